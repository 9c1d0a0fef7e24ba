-- Second factors: one-time passwords, recovery codes, passkeys, the moment between the two steps of signing in, and the
-- browsers that may skip the second one.

create table auth.second_factors (
  user_id uuid primary key references auth.users (id) on delete cascade,
  totp_secret text,
  totp_confirmed_at timestamptz,
  totp_last_step bigint,
  is_passkey_asked boolean not null default false,
  updated_at timestamptz not null default now(),
  check (totp_confirmed_at is null or totp_secret is not null)
);
comment on table auth.second_factors is 'What signing in asks for after the first step; a person without a row is asked for nothing more';
comment on column auth.second_factors.user_id is 'The person';
comment on column auth.second_factors.totp_secret is 'Shared with the authenticator app; sealed under the key of the personal organisation';
comment on column auth.second_factors.totp_confirmed_at is 'When a first code showed that the app has the secret; null while that is awaited, and nothing is asked for';
comment on column auth.second_factors.totp_last_step is 'The latest 30-second step whose code was used; only later ones are taken';
comment on column auth.second_factors.is_passkey_asked is 'Whether a passkey is asked for after the first step';
comment on column auth.second_factors.updated_at is 'When the row was last changed';

create table auth.recovery_codes (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  code_hash text not null,
  used_at timestamptz,
  created_at timestamptz not null default now(),
  unique (user_id, code_hash)
);
comment on table auth.recovery_codes is 'Codes on paper, for when the second factor is lost; each works once';
comment on column auth.recovery_codes.id is 'UUIDv7';
comment on column auth.recovery_codes.user_id is 'Whose code it is';
comment on column auth.recovery_codes.code_hash is 'SHA-256 of the code, whose 80 random bits need no slow hash';
comment on column auth.recovery_codes.used_at is 'When it was used; null while it works';
comment on column auth.recovery_codes.created_at is 'When the set was made';

create table auth.passkeys (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  credential_id text not null unique,
  public_key bytea not null,
  counter bigint not null default 0,
  transports text[] not null default '{}',
  is_synced boolean not null,
  aaguid uuid,
  name text not null check (char_length(name) between 1 and 100),
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index passkeys_user_id_id on auth.passkeys (user_id, id);
comment on table auth.passkeys is 'Passkeys (WebAuthn credentials) of people';
comment on column auth.passkeys.id is 'UUIDv7; what people see and remove';
comment on column auth.passkeys.user_id is 'Whose passkey it is';
comment on column auth.passkeys.credential_id is 'The authenticator''s name for it, base64url';
comment on column auth.passkeys.public_key is 'COSE public key';
comment on column auth.passkeys.counter is 'The authenticator''s count of signatures at the last use; 0 where it keeps none';
comment on column auth.passkeys.transports is 'How browsers reach the authenticator: internal, hybrid, usb, nfc, ble';
comment on column auth.passkeys.is_synced is 'Whether it is copied to the person''s other devices';
comment on column auth.passkeys.aaguid is 'The kind of authenticator; null where it does not say';
comment on column auth.passkeys.name is 'How the person calls it';
comment on column auth.passkeys.last_used_at is 'When it last signed in or confirmed a change';
comment on column auth.passkeys.created_at is 'When it was added';

create table auth.sign_in_challenges (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  tenant_id uuid references auth.organizations (id) on delete cascade,
  token_hash text not null unique,
  means text not null check (means in ('password', 'provider', 'mail')),
  address_key text not null,
  user_agent text not null,
  tries integer not null default 0,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index sign_in_challenges_user_id on auth.sign_in_challenges (user_id);
create index sign_in_challenges_tenant_id on auth.sign_in_challenges (tenant_id);
create index sign_in_challenges_expires_at on auth.sign_in_challenges (expires_at);
comment on table auth.sign_in_challenges is 'Sign-ins whose first step is done and whose second is awaited';
comment on column auth.sign_in_challenges.id is 'UUIDv7';
comment on column auth.sign_in_challenges.user_id is 'Who did the first step';
comment on column auth.sign_in_challenges.tenant_id is 'Where the session is to work; null for the home organisation';
comment on column auth.sign_in_challenges.token_hash is 'SHA-256 of the cookie''s token; the token itself is stored nowhere';
comment on column auth.sign_in_challenges.means is 'How the first step was done: password, provider or mail';
comment on column auth.sign_in_challenges.address_key is 'The network the first step was done from';
comment on column auth.sign_in_challenges.user_agent is 'What the browser said it is';
comment on column auth.sign_in_challenges.tries is 'Codes tried; five at most';
comment on column auth.sign_in_challenges.expires_at is 'When the first step counts no more';
comment on column auth.sign_in_challenges.created_at is 'When the first step was done';

create table auth.passkey_challenges (
  id uuid primary key,
  user_id uuid references auth.users (id) on delete cascade,
  challenge_hash text not null unique,
  purpose text not null check (purpose in ('register', 'sign-in', 'second-factor', 'step-up')),
  holder text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index passkey_challenges_user_id on auth.passkey_challenges (user_id);
create index passkey_challenges_expires_at on auth.passkey_challenges (expires_at);
comment on table auth.passkey_challenges is 'Random texts that passkeys were asked to sign; a row is deleted by its first answer';
comment on column auth.passkey_challenges.id is 'UUIDv7';
comment on column auth.passkey_challenges.user_id is 'Whose passkey may answer; null when anybody''s may, as in signing in';
comment on column auth.passkey_challenges.challenge_hash is 'SHA-256 of the text';
comment on column auth.passkey_challenges.purpose is 'What the answer is good for: register, sign-in, second-factor or step-up';
comment on column auth.passkey_challenges.holder is 'Who must bring the answer: a session, a sign-in under way, or a browser by the hash of its cookie';
comment on column auth.passkey_challenges.expires_at is 'When it can be answered no more';
comment on column auth.passkey_challenges.created_at is 'When it was asked';

create table auth.trusted_devices (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  token_hash text not null unique,
  ip_address text,
  user_agent text,
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index trusted_devices_user_id_id on auth.trusted_devices (user_id, id);
create index trusted_devices_expires_at on auth.trusted_devices (expires_at);
comment on table auth.trusted_devices is 'Browsers that are not asked for the second factor for a while';
comment on column auth.trusted_devices.id is 'UUIDv7; what people see and revoke';
comment on column auth.trusted_devices.user_id is 'Who trusts the browser';
comment on column auth.trusted_devices.token_hash is 'SHA-256 of the cookie''s token; the token itself is stored nowhere';
comment on column auth.trusted_devices.ip_address is 'Where it was last used from';
comment on column auth.trusted_devices.user_agent is 'What the browser said it is';
comment on column auth.trusted_devices.last_used_at is 'When it last spared the second factor';
comment on column auth.trusted_devices.expires_at is 'When the trust ends';
comment on column auth.trusted_devices.created_at is 'When the trust was given';

do $$
declare
  name text;
begin
  foreach name in array array['second_factors', 'recovery_codes', 'passkeys', 'sign_in_challenges', 'passkey_challenges', 'trusted_devices'] loop
    execute format('alter table auth.%I enable row level security', name);
    execute format('alter table auth.%I force row level security', name);
    execute format('create policy auth_all on auth.%I for all to bulkhead_auth using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on auth.%I to bulkhead_auth', name);
    execute format('create policy owner_maintenance on auth.%I to %I using (true) with check (true)', name, current_user);
  end loop;
end
$$;
