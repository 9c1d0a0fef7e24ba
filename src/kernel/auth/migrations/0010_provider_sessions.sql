-- Our own key for SAML, and which session came from which session at an organisation's provider.

alter table auth.sso_connections
  add column private_key_ciphertext text,
  add column own_certificate text,
  add column signs_requests boolean not null default false,
  add column signs_out_at_provider boolean not null default false,
  add check ((private_key_ciphertext is null) = (own_certificate is null)),
  add check (not signs_requests or kind = 'saml'),
  add check (not signs_out_at_provider or kind = 'oidc');
comment on column auth.sso_connections.private_key_ciphertext is 'SAML: our private key (PKCS #8, PEM) for this provider, sealed under the organisation''s key; null until it is needed';
comment on column auth.sso_connections.own_certificate is 'SAML: certificate (PEM) of that key; the provider encrypts assertions for it and checks our requests with it';
comment on column auth.sso_connections.signs_requests is 'SAML: whether our requests are signed';
comment on column auth.sso_connections.signs_out_at_provider is 'OpenID Connect: whether signing out here leads to the provider''s sign-out as well';

create table auth.sso_sessions (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  session_id uuid unique references auth.sessions (id) on delete cascade,
  subject text not null,
  provider_session text,
  id_token_ciphertext text,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, connection_id) references auth.sso_connections (tenant_id, id) on delete cascade
);
create index sso_sessions_subject on auth.sso_sessions (tenant_id, connection_id, subject);
create index sso_sessions_provider_session on auth.sso_sessions (tenant_id, connection_id, provider_session);
create index sso_sessions_created_at on auth.sso_sessions (created_at) where session_id is null;
comment on table auth.sso_sessions is 'Sessions here that came from a session at an organisation''s OpenID Connect provider, which may end them';
comment on column auth.sso_sessions.id is 'UUIDv7';
comment on column auth.sso_sessions.tenant_id is 'The organisation of the connection; the session may work in another since';
comment on column auth.sso_sessions.connection_id is 'The connection';
comment on column auth.sso_sessions.session_id is 'The session here; null while the second step of the sign-in is awaited';
comment on column auth.sso_sessions.subject is 'Who the person is at the provider (sub)';
comment on column auth.sso_sessions.provider_session is 'The session at the provider (sid), when it told';
comment on column auth.sso_sessions.id_token_ciphertext is 'The id token, sealed under the organisation''s key; kept only where signing out leads to the provider, which asks for it';
comment on column auth.sso_sessions.created_at is 'When the person came';

alter table auth.sign_in_challenges
  add column sso_session_id uuid references auth.sso_sessions (id) on delete cascade;
create index sign_in_challenges_sso_session_id on auth.sign_in_challenges (sso_session_id);
comment on column auth.sign_in_challenges.sso_session_id is 'The session at an organisation''s provider that the first step came from';

alter table auth.sso_sessions enable row level security;
alter table auth.sso_sessions force row level security;
create policy auth_all on auth.sso_sessions for all to bulkhead_auth using (true) with check (true);
grant select, insert, update, delete on auth.sso_sessions to bulkhead_auth;

do $$
begin
  -- FORCE binds the owner too; migrations, foreign keys and backups need every row.
  execute format('create policy owner_maintenance on auth.sso_sessions to %I using (true) with check (true)', current_user);
end
$$;
