-- Signing in through other providers, for a person and for an organisation.
--
-- All of it is for bulkhead_auth alone. Client secrets are sealed under the organisation's data key; no token of a
-- provider is kept anywhere.

alter table auth.accounts add column label text;
comment on column auth.accounts.label is 'What the provider calls the person, such as an address; shown where ways in are listed';

create table auth.sso_connections (
  id uuid primary key,
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  kind text not null check (kind in ('oidc', 'saml')),
  issuer text not null,
  client_id text,
  client_secret_ciphertext text,
  client_secret_last_four text,
  sign_on_url text,
  certificates text[] not null default '{}',
  default_role text not null default 'member' check (default_role in ('admin', 'member', 'viewer')),
  is_enforced boolean not null default false,
  last_problem text,
  last_problem_at timestamptz,
  last_success_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name),
  unique (tenant_id, id),
  check (kind <> 'oidc' or client_id is not null),
  check (kind <> 'saml' or (sign_on_url is not null and cardinality(certificates) > 0))
);
comment on table auth.sso_connections is 'Identity providers of organisations';
comment on column auth.sso_connections.id is 'UUIDv7; part of the addresses that the provider is given';
comment on column auth.sso_connections.tenant_id is 'The organisation';
comment on column auth.sso_connections.name is 'What people read on the button';
comment on column auth.sso_connections.kind is 'oidc or saml';
comment on column auth.sso_connections.issuer is 'Issuer of OpenID Connect, or entity id of the SAML identity provider';
comment on column auth.sso_connections.client_id is 'Who we are at an OpenID Connect provider';
comment on column auth.sso_connections.client_secret_ciphertext is 'Client secret, sealed under the organisation''s key; null for a public client';
comment on column auth.sso_connections.client_secret_last_four is 'Its last characters, to tell secrets apart';
comment on column auth.sso_connections.sign_on_url is 'Where SAML requests are sent';
comment on column auth.sso_connections.certificates is 'Certificates (PEM) whose keys may sign SAML assertions';
comment on column auth.sso_connections.default_role is 'Role of people who come for the first time';
comment on column auth.sso_connections.is_enforced is 'Whether members with an address of its domains must come this way, owners apart';
comment on column auth.sso_connections.last_problem is 'Why the latest sign-in or test failed; null once one worked';
comment on column auth.sso_connections.last_problem_at is 'When that was';
comment on column auth.sso_connections.last_success_at is 'When somebody last signed in this way';
comment on column auth.sso_connections.created_at is 'When it was made';
comment on column auth.sso_connections.updated_at is 'When it was last changed';

create table auth.sso_domains (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  domain text not null check (domain = lower(domain) and char_length(domain) between 3 and 253),
  proof_token text not null,
  verified_at timestamptz,
  verified_by text check (verified_by in ('dns', 'operator')),
  created_at timestamptz not null default now(),
  unique (tenant_id, domain),
  foreign key (tenant_id, connection_id) references auth.sso_connections (tenant_id, id) on delete cascade,
  check ((verified_at is null) = (verified_by is null))
);
create unique index sso_domains_verified on auth.sso_domains (domain) where verified_at is not null;
create index sso_domains_connection on auth.sso_domains (tenant_id, connection_id);
create index sso_domains_waiting on auth.sso_domains (id) where verified_at is null;
comment on table auth.sso_domains is 'Mail domains that lead to an organisation''s identity provider; each proved by one organisation at most';
comment on column auth.sso_domains.id is 'UUIDv7';
comment on column auth.sso_domains.tenant_id is 'The organisation';
comment on column auth.sso_domains.connection_id is 'The identity provider that addresses of the domain lead to';
comment on column auth.sso_domains.domain is 'Such as example.com, in lower case, ASCII';
comment on column auth.sso_domains.proof_token is 'Stands in a TXT record of the domain; not a secret';
comment on column auth.sso_domains.verified_at is 'When the organisation showed that the domain is its own; null until then';
comment on column auth.sso_domains.verified_by is 'dns for the TXT record, operator for the word of who runs the server';
comment on column auth.sso_domains.created_at is 'When it was claimed';

create table auth.sign_on_attempts (
  id uuid primary key,
  state_hash text not null unique,
  browser_hash text not null,
  provider text not null,
  connection_id uuid references auth.sso_connections (id) on delete cascade,
  purpose text not null check (purpose in ('sign-in', 'link', 'step-up')),
  user_id uuid references auth.users (id) on delete cascade,
  session_id uuid references auth.sessions (id) on delete cascade,
  redirect_uri text not null,
  nonce text not null,
  code_verifier text not null,
  next_path text not null,
  profile jsonb,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  check ((purpose = 'sign-in') = (user_id is null)),
  check ((purpose = 'sign-in') = (session_id is null))
);
create index sign_on_attempts_connection_id on auth.sign_on_attempts (connection_id);
create index sign_on_attempts_user_id on auth.sign_on_attempts (user_id);
create index sign_on_attempts_session_id on auth.sign_on_attempts (session_id);
create index sign_on_attempts_expires_at on auth.sign_on_attempts (expires_at);
comment on table auth.sign_on_attempts is 'People who are away at a provider; a row is used up by the first good answer from the browser that left';
comment on column auth.sign_on_attempts.id is 'UUIDv7; the id of the SAML request is made from it';
comment on column auth.sign_on_attempts.state_hash is 'SHA-256 of the state (RelayState in SAML)';
comment on column auth.sign_on_attempts.browser_hash is 'SHA-256 of the cookie that the browser must bring back';
comment on column auth.sign_on_attempts.provider is 'google, apple, github, the id of a configured provider, or of a connection';
comment on column auth.sign_on_attempts.connection_id is 'The organisation''s connection, when it is one';
comment on column auth.sign_on_attempts.purpose is 'sign-in, link (to an account) or step-up (show again who one is)';
comment on column auth.sign_on_attempts.user_id is 'Who links or shows again who they are';
comment on column auth.sign_on_attempts.session_id is 'The session in which they do so';
comment on column auth.sign_on_attempts.redirect_uri is 'Where the provider sends the browser back to';
comment on column auth.sign_on_attempts.nonce is 'Must stand in the id token';
comment on column auth.sign_on_attempts.code_verifier is 'PKCE: without it the code is worth nothing';
comment on column auth.sign_on_attempts.next_path is 'Path of this server where the person goes on';
comment on column auth.sign_on_attempts.profile is 'SAML: what the verified assertion said, until the browser comes to collect it';
comment on column auth.sign_on_attempts.expires_at is 'When the answer comes too late';
comment on column auth.sign_on_attempts.created_at is 'When the person left';

create table auth.sign_on_seen (
  proof_hash text primary key,
  expires_at timestamptz not null
);
create index sign_on_seen_expires_at on auth.sign_on_seen (expires_at);
comment on table auth.sign_on_seen is 'Proofs that were accepted once and never will be again, kept for as long as they would be valid';
comment on column auth.sign_on_seen.proof_hash is 'SHA-256 of who said it and its id: a SAML assertion, or a native id token';
comment on column auth.sign_on_seen.expires_at is 'When the proof would be refused anyway';

do $$
declare
  name text;
begin
  foreach name in array array['sso_connections', 'sso_domains', 'sign_on_attempts', 'sign_on_seen'] loop
    execute format('alter table auth.%I enable row level security', name);
    execute format('alter table auth.%I force row level security', name);
    execute format('create policy auth_all on auth.%I for all to bulkhead_auth using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on auth.%I to bulkhead_auth', name);
    execute format('create policy owner_maintenance on auth.%I to %I using (true) with check (true)', name, current_user);
  end loop;
end
$$;
