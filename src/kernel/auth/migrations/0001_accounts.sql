-- People, their proofs of identity, their sessions, and the organisations they belong to.
--
-- Secrets (password hashes, token hashes, provider tokens) are for bulkhead_auth alone: bulkhead_app holds no grant on
-- those tables, so that not even injected SQL in a request's transaction can read them. Row-level security on top
-- keeps that true should somebody grant too much one day.

create schema auth;
comment on schema auth is 'Accounts, sessions and organisations; written by the role bulkhead_auth';
grant usage on schema auth to bulkhead_auth, bulkhead_app, bulkhead_system;

create table auth.users (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 200),
  email text not null unique check (email = lower(email) and char_length(email) <= 254),
  email_verified boolean not null default false,
  username text unique check (username ~ '^[a-z0-9][a-z0-9._-]{2,31}$'),
  image text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table auth.users is 'People who may sign in';
comment on column auth.users.id is 'UUIDv7';
comment on column auth.users.name is 'How the person is called';
comment on column auth.users.email is 'E-mail address in lower case; identifies the account';
comment on column auth.users.email_verified is 'Whether the person has shown that the address is theirs';
comment on column auth.users.username is 'Another name to sign in with, in lower case; never holds an @';
comment on column auth.users.image is 'Address of a picture';
comment on column auth.users.created_at is 'When the account was made';
comment on column auth.users.updated_at is 'When the account was last changed';

create table auth.organizations (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 200),
  personal_user_id uuid unique references auth.users (id) on delete cascade,
  created_at timestamptz not null default now()
);
comment on table auth.organizations is 'Organisations: the tenants everything belongs to';
comment on column auth.organizations.id is 'The tenant id, UUIDv7';
comment on column auth.organizations.name is 'How the organisation is called';
comment on column auth.organizations.personal_user_id is 'Set when this is the personal organisation of one user';
comment on column auth.organizations.created_at is 'When the organisation was made';

create table auth.members (
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
create index members_user_id on auth.members (user_id);
comment on table auth.members is 'Who belongs to which organisation, in which role';
comment on column auth.members.tenant_id is 'The organisation';
comment on column auth.members.user_id is 'The person';
comment on column auth.members.role is 'owner, admin, member or viewer';
comment on column auth.members.created_at is 'When the person joined';

create table auth.accounts (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  provider_id text not null,
  account_id text not null,
  password text,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, account_id)
);
create unique index accounts_credential_of_user on auth.accounts (user_id) where provider_id = 'credential';
create index accounts_user_id on auth.accounts (user_id);
comment on table auth.accounts is 'Ways in which a person proves who they are: a password, or an outside provider';
comment on column auth.accounts.id is 'UUIDv7';
comment on column auth.accounts.user_id is 'Whose proof it is';
comment on column auth.accounts.provider_id is 'credential for a password, else the name of the provider';
comment on column auth.accounts.account_id is 'Who the person is at the provider; the user id for credential';
comment on column auth.accounts.password is 'Password hash in PHC form (Argon2id; scrypt from older imports)';
comment on column auth.accounts.access_token is 'Provider token, encrypted';
comment on column auth.accounts.refresh_token is 'Provider token, encrypted';
comment on column auth.accounts.id_token is 'Provider token, encrypted';
comment on column auth.accounts.access_token_expires_at is 'When the provider''s access token ends';
comment on column auth.accounts.refresh_token_expires_at is 'When the provider''s refresh token ends';
comment on column auth.accounts.scope is 'What the provider granted';
comment on column auth.accounts.created_at is 'When the proof was added';
comment on column auth.accounts.updated_at is 'When the proof was last changed';

create table auth.sessions (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  token_hash text not null unique,
  ip_address text,
  user_agent text,
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index sessions_user_id_id on auth.sessions (user_id, id);
create index sessions_tenant_id on auth.sessions (tenant_id);
create index sessions_expires_at on auth.sessions (expires_at);
comment on table auth.sessions is 'Signed-in browsers';
comment on column auth.sessions.id is 'UUIDv7; what people see and revoke, useless for signing in';
comment on column auth.sessions.user_id is 'Who signed in';
comment on column auth.sessions.tenant_id is 'The organisation the session works in';
comment on column auth.sessions.token_hash is 'SHA-256 of the cookie''s token; the token itself is stored nowhere';
comment on column auth.sessions.ip_address is 'Where the person signed in from';
comment on column auth.sessions.user_agent is 'What the browser said it is';
comment on column auth.sessions.last_used_at is 'Last use, exact to the minute; the idle lifetime counts from here';
comment on column auth.sessions.expires_at is 'End of the absolute lifetime';
comment on column auth.sessions.created_at is 'When the person signed in';
comment on column auth.sessions.updated_at is 'When the row was last changed';

create table auth.verifications (
  id uuid primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index verifications_identifier on auth.verifications (identifier);
create index verifications_expires_at on auth.verifications (expires_at);
comment on table auth.verifications is 'Single-use proofs under way, such as an e-mail confirmation';
comment on column auth.verifications.id is 'UUIDv7';
comment on column auth.verifications.identifier is 'What is being proved, hashed';
comment on column auth.verifications.value is 'What the proof is compared with';
comment on column auth.verifications.expires_at is 'When the proof ends';
comment on column auth.verifications.created_at is 'When the proof was asked for';
comment on column auth.verifications.updated_at is 'When the row was last changed';

create table auth.setup_links (
  id uuid primary key,
  token_hash text not null unique,
  created_at timestamptz not null default now()
);
comment on table auth.setup_links is 'The one-time link that creates the owner; empty once used';
comment on column auth.setup_links.id is 'UUIDv7';
comment on column auth.setup_links.token_hash is 'SHA-256 of the token in the link';
comment on column auth.setup_links.created_at is 'When the server printed the link';

-- The account engine's own tables.
do $$
declare
  name text;
begin
  foreach name in array array['users', 'organizations', 'members', 'accounts', 'sessions', 'verifications', 'setup_links'] loop
    execute format('alter table auth.%I enable row level security', name);
    execute format('alter table auth.%I force row level security', name);
    execute format('create policy auth_all on auth.%I for all to bulkhead_auth using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on auth.%I to bulkhead_auth', name);
    -- FORCE binds the owner too; migrations, foreign keys and backups need every row.
    execute format('create policy owner_maintenance on auth.%I to %I using (true) with check (true)', name, current_user);
  end loop;
end
$$;

-- What a request may know: its own organisation and who belongs to it.
grant select on auth.organizations, auth.members to bulkhead_app;
create policy app_own on auth.organizations for select to bulkhead_app
  using (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy app_own on auth.members for select to bulkhead_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- What cross-tenant work may know: which organisations there are, and who is in them.
grant select on auth.organizations, auth.members to bulkhead_system;
create policy system_read on auth.organizations for select to bulkhead_system using (true);
create policy system_read on auth.members for select to bulkhead_system using (true);
