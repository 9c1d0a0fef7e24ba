-- Proof of an e-mail address, and a new password by mail.

create table auth.mail_proofs (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  purpose text not null check (purpose in ('verify', 'change', 'reset')),
  email text not null check (email = lower(email) and char_length(email) <= 254),
  token_hash text not null unique,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index mail_proofs_user_id on auth.mail_proofs (user_id, purpose, created_at);
create index mail_proofs_expires_at on auth.mail_proofs (expires_at);
comment on table auth.mail_proofs is 'Links sent by mail that show whose an address is; a link that was used is deleted';
comment on column auth.mail_proofs.id is 'UUIDv7';
comment on column auth.mail_proofs.user_id is 'Whose account the link is for';
comment on column auth.mail_proofs.purpose is 'verify: the address of the account. change: a new address for it. reset: a new password.';
comment on column auth.mail_proofs.email is 'Where the link was sent, in lower case';
comment on column auth.mail_proofs.token_hash is 'SHA-256 of the token in the link';
comment on column auth.mail_proofs.expires_at is 'When the link ends';
comment on column auth.mail_proofs.created_at is 'When the link was asked for';

alter table auth.mail_proofs enable row level security;
alter table auth.mail_proofs force row level security;
create policy auth_all on auth.mail_proofs for all to bulkhead_auth using (true) with check (true);
grant select, insert, update, delete on auth.mail_proofs to bulkhead_auth;
do $$
begin
  execute format('create policy owner_maintenance on auth.mail_proofs to %I using (true) with check (true)', current_user);
end
$$;
