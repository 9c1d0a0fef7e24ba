-- Support access: who runs the server looks into an organisation that has let them in, for hours, and changes nothing.

create table auth.support_grants (
  id uuid primary key,
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  asked_by uuid not null references auth.users (id) on delete cascade,
  reason text not null check (char_length(reason) between 1 and 1000),
  hours integer not null check (hours between 1 and 24),
  state text not null default 'asked' check (state in ('asked', 'granted', 'refused', 'revoked', 'withdrawn', 'ended')),
  answered_by uuid references auth.users (id) on delete set null,
  answered_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index support_grants_of_organization on auth.support_grants (tenant_id, id);
create index support_grants_of_person on auth.support_grants (asked_by, id);
create index support_grants_answered_by on auth.support_grants (answered_by);
create index support_grants_open on auth.support_grants (expires_at) where state in ('asked', 'granted');
create unique index support_grants_one_open on auth.support_grants (tenant_id, asked_by) where state in ('asked', 'granted');
comment on table auth.support_grants is 'What who runs the server asked of organisations: to look into them for some hours, and what became of it';
comment on column auth.support_grants.id is 'UUIDv7';
comment on column auth.support_grants.tenant_id is 'The organisation to be looked into';
comment on column auth.support_grants.asked_by is 'The only person who may look';
comment on column auth.support_grants.reason is 'Why, in the words of who asked';
comment on column auth.support_grants.hours is 'How long the access lasts from the consent on';
comment on column auth.support_grants.state is 'asked: waits for an owner. granted: open until expires_at. refused, revoked: by an owner. withdrawn: by who asked. ended: its time is over';
comment on column auth.support_grants.answered_by is 'The owner who consented, refused or revoked';
comment on column auth.support_grants.answered_at is 'When that was';
comment on column auth.support_grants.expires_at is 'Until when the question, or once granted the access, stands';
comment on column auth.support_grants.created_at is 'When it was asked';

alter table auth.support_grants enable row level security;
alter table auth.support_grants force row level security;
create policy auth_all on auth.support_grants for all to bulkhead_auth using (true) with check (true);
grant select, insert, update, delete on auth.support_grants to bulkhead_auth;
-- FORCE binds the owner too; migrations, foreign keys and backups need every row.
do $$
begin
  execute format('create policy owner_maintenance on auth.support_grants to %I using (true) with check (true)', current_user);
end
$$;

alter table auth.sessions add column support_grant_id uuid references auth.support_grants (id) on delete set null;
create index sessions_support_grant_id on auth.sessions (support_grant_id) where support_grant_id is not null;
comment on column auth.sessions.support_grant_id is 'The organisation''s consent by which this session looks into it; it counts only while it stands';
