-- Organisations that people share: invitations, and where a person works next time.

alter table auth.users add column home_tenant_id uuid references auth.organizations (id) on delete set null;
create index users_home_tenant_id on auth.users (home_tenant_id) where home_tenant_id is not null;
comment on column auth.users.home_tenant_id is 'Organisation the person last switched to; the next session starts there while they belong to it';

-- The order in which a person's organisations are listed.
create index members_user_id_tenant_id on auth.members (user_id, tenant_id);
drop index auth.members_user_id;

create table auth.invitations (
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  id uuid not null,
  role text not null check (role in ('admin', 'member', 'viewer')),
  email text check (email = lower(email) and char_length(email) <= 254),
  token_hash text not null unique,
  max_uses integer not null check (max_uses between 1 and 1000),
  uses integer not null default 0 check (uses >= 0 and uses <= max_uses),
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  expires_at timestamptz not null,
  primary key (tenant_id, id),
  check (email is null or max_uses = 1)
);
create unique index invitations_of_address on auth.invitations (tenant_id, email) where email is not null;
create index invitations_created_by on auth.invitations (created_by);
create index invitations_expires_at on auth.invitations (expires_at);
comment on table auth.invitations is 'Open offers to join an organisation, by mail to one address or by a link; revoked and used-up ones are deleted';
comment on column auth.invitations.tenant_id is 'The organisation';
comment on column auth.invitations.id is 'UUIDv7; what people see and revoke, useless for joining';
comment on column auth.invitations.role is 'Role of whoever accepts; nobody is made an owner by invitation';
comment on column auth.invitations.email is 'Address the invitation was mailed to; null for a link';
comment on column auth.invitations.token_hash is 'SHA-256 of the token in the link; the token itself is stored nowhere';
comment on column auth.invitations.max_uses is 'How many people may accept; always one by mail';
comment on column auth.invitations.uses is 'How many have accepted';
comment on column auth.invitations.created_by is 'Who invited; null once the account is gone';
comment on column auth.invitations.created_at is 'When the invitation was made';
comment on column auth.invitations.sent_at is 'When the mail was last queued; null for a link';
comment on column auth.invitations.expires_at is 'When the offer ends';

alter table auth.invitations enable row level security;
alter table auth.invitations force row level security;
create policy auth_all on auth.invitations for all to bulkhead_auth using (true) with check (true);
grant select, insert, update, delete on auth.invitations to bulkhead_auth;
-- FORCE binds the owner too; migrations, foreign keys and backups need every row.
do $$
begin
  execute format('create policy owner_maintenance on auth.invitations to %I using (true) with check (true)', current_user);
end
$$;
