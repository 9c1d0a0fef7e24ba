-- Credentials of callers without a browser: API keys, access tokens that are refreshed, and provisioning by SCIM.
--
-- All of them hang on a membership and go with it. Only hashes are kept; the secrets have 256 random bits, so one round
-- of SHA-256 is enough.

create table auth.api_keys (
  id uuid primary key,
  tenant_id uuid not null,
  user_id uuid not null,
  name text not null check (char_length(name) between 1 and 80),
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  last_four text not null check (char_length(last_four) = 4),
  scopes text[] not null check (cardinality(scopes) between 1 and 200),
  address_allow_list text[] not null default '{}' check (cardinality(address_allow_list) <= 50),
  requests_per_minute integer not null check (requests_per_minute between 1 and 6000),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  last_used_address text,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, user_id) references auth.members (tenant_id, user_id) on delete cascade
);
create index api_keys_tenant_id_id on auth.api_keys (tenant_id, id);
create index api_keys_member on auth.api_keys (tenant_id, user_id, id);
comment on table auth.api_keys is 'Keys by which programs act for the person who made them, within scopes';
comment on column auth.api_keys.id is 'UUIDv7; stands in the key, finds its row and is no secret';
comment on column auth.api_keys.tenant_id is 'The organisation the key works in';
comment on column auth.api_keys.user_id is 'Who made it; the key ends with their membership and never does more than their role';
comment on column auth.api_keys.name is 'What it is for';
comment on column auth.api_keys.secret_hash is 'SHA-256 of the key''s secret part';
comment on column auth.api_keys.last_four is 'The end of the key, to tell keys apart';
comment on column auth.api_keys.scopes is 'Permissions the key may use, as far as its maker''s role holds them';
comment on column auth.api_keys.address_allow_list is 'Networks in CIDR form it counts from; empty: from everywhere';
comment on column auth.api_keys.requests_per_minute is 'Requests the key may make in a minute, over all routes';
comment on column auth.api_keys.expires_at is 'When it stops counting; null: never by itself';
comment on column auth.api_keys.revoked_at is 'When somebody revoked it; the row stays a while, so that its users are told why';
comment on column auth.api_keys.last_used_at is 'Last use, exact to the minute';
comment on column auth.api_keys.last_used_address is 'Client address of the last use';
comment on column auth.api_keys.created_at is 'When it was made';

create table auth.token_families (
  id uuid primary key,
  tenant_id uuid not null,
  user_id uuid not null,
  device_name text not null check (char_length(device_name) between 1 and 80),
  ip_address text,
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  foreign key (tenant_id, user_id) references auth.members (tenant_id, user_id) on delete cascade
);
create index token_families_member on auth.token_families (tenant_id, user_id);
create index token_families_user_id_id on auth.token_families (user_id, id);
create index token_families_expires_at on auth.token_families (expires_at);
comment on table auth.token_families is 'Sign-ins of phones and programs: all tokens refreshed from one of them form a family';
comment on column auth.token_families.id is 'UUIDv7; what people see and revoke';
comment on column auth.token_families.tenant_id is 'The organisation the tokens work in';
comment on column auth.token_families.user_id is 'Who signed in';
comment on column auth.token_families.device_name is 'What the device called itself';
comment on column auth.token_families.ip_address is 'Where it signed in or refreshed last';
comment on column auth.token_families.last_used_at is 'Last sign-in or refresh';
comment on column auth.token_families.expires_at is 'End of the absolute lifetime, refreshed or not';
comment on column auth.token_families.created_at is 'When the device signed in';

create table auth.token_pairs (
  id uuid primary key,
  family_id uuid not null references auth.token_families (id) on delete cascade,
  access_hash bytea not null check (octet_length(access_hash) = 32),
  access_expires_at timestamptz not null,
  refresh_hash bytea not null check (octet_length(refresh_hash) = 32),
  refresh_expires_at timestamptz not null,
  rotated_at timestamptz,
  successor_id uuid,
  successor_seed bytea check (octet_length(successor_seed) = 32),
  created_at timestamptz not null
);
create index token_pairs_family_id on auth.token_pairs (family_id);
create index token_pairs_refresh_expires_at on auth.token_pairs (refresh_expires_at);
comment on table auth.token_pairs is 'One access token and the refresh token that was given with it';
comment on column auth.token_pairs.id is 'UUIDv7; stands in both tokens and is no secret';
comment on column auth.token_pairs.family_id is 'The sign-in it comes from';
comment on column auth.token_pairs.access_hash is 'SHA-256 of the access token''s secret part';
comment on column auth.token_pairs.access_expires_at is 'When the access token ends';
comment on column auth.token_pairs.refresh_hash is 'SHA-256 of the refresh token''s secret part';
comment on column auth.token_pairs.refresh_expires_at is 'When the refresh token ends: at most four hours after the access token';
comment on column auth.token_pairs.rotated_at is 'When the refresh token was used; a later use is a theft';
comment on column auth.token_pairs.successor_id is 'The pair that replaced it';
comment on column auth.token_pairs.successor_seed is 'With the refresh token itself gives the successor again, for a repeated request; erased by the next rotation';
comment on column auth.token_pairs.created_at is 'When it was given out';

create table auth.device_codes (
  id uuid primary key,
  tenant_id uuid not null,
  user_id uuid not null,
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  challenge text not null check (challenge ~ '^[A-Za-z0-9_-]{43}$'),
  redirect_uri text not null check (char_length(redirect_uri) <= 500),
  device_name text not null check (char_length(device_name) between 1 and 80),
  expires_at timestamptz not null,
  created_at timestamptz not null,
  foreign key (tenant_id, user_id) references auth.members (tenant_id, user_id) on delete cascade
);
create index device_codes_member on auth.device_codes (tenant_id, user_id);
create index device_codes_expires_at on auth.device_codes (expires_at);
comment on table auth.device_codes is 'Consents of people in a browser, each exchanged once for the tokens of a device within a minute';
comment on column auth.device_codes.id is 'UUIDv7; stands in the code and is no secret';
comment on column auth.device_codes.tenant_id is 'The organisation the tokens will work in';
comment on column auth.device_codes.user_id is 'Who consented';
comment on column auth.device_codes.secret_hash is 'SHA-256 of the code''s secret part';
comment on column auth.device_codes.challenge is 'PKCE: SHA-256 of the verifier that only the device has';
comment on column auth.device_codes.redirect_uri is 'Where the browser brought the code; the exchange names it again';
comment on column auth.device_codes.device_name is 'What the device called itself';
comment on column auth.device_codes.expires_at is 'When the code comes too late';
comment on column auth.device_codes.created_at is 'When the person consented';

create table auth.scim_tokens (
  id uuid primary key,
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 80),
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  created_by uuid references auth.users (id) on delete set null,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index scim_tokens_tenant_id_id on auth.scim_tokens (tenant_id, id);
create index scim_tokens_created_by on auth.scim_tokens (created_by) where created_by is not null;
comment on table auth.scim_tokens is 'Tokens by which an organisation''s directory provisions its people';
comment on column auth.scim_tokens.id is 'UUIDv7; stands in the token and is no secret';
comment on column auth.scim_tokens.tenant_id is 'The organisation that is provisioned';
comment on column auth.scim_tokens.name is 'Which directory it was made for';
comment on column auth.scim_tokens.secret_hash is 'SHA-256 of the token''s secret part';
comment on column auth.scim_tokens.created_by is 'Who made it';
comment on column auth.scim_tokens.last_used_at is 'Last use, exact to the minute';
comment on column auth.scim_tokens.created_at is 'When it was made';

create table auth.scim_users (
  id uuid primary key,
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  user_name text not null check (char_length(user_name) between 1 and 254),
  external_id text check (char_length(external_id) between 1 and 200),
  display_name text not null check (char_length(display_name) between 1 and 200),
  given_name text check (char_length(given_name) <= 200),
  family_name text check (char_length(family_name) <= 200),
  is_active boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (tenant_id, id),
  unique (tenant_id, user_id)
);
create unique index scim_users_user_name on auth.scim_users (tenant_id, lower(user_name));
create index scim_users_external_id on auth.scim_users (tenant_id, external_id);
create index scim_users_user_id on auth.scim_users (user_id);
comment on table auth.scim_users is 'People whom an organisation''s directory provisions, also those it has deactivated';
comment on column auth.scim_users.id is 'UUIDv7; the id of the resource in SCIM';
comment on column auth.scim_users.tenant_id is 'The organisation';
comment on column auth.scim_users.user_id is 'The account';
comment on column auth.scim_users.user_name is 'userName of the directory, as it was given; unique whatever its case';
comment on column auth.scim_users.external_id is 'Id in the directory';
comment on column auth.scim_users.display_name is 'displayName of the directory';
comment on column auth.scim_users.given_name is 'name.givenName of the directory';
comment on column auth.scim_users.family_name is 'name.familyName of the directory';
comment on column auth.scim_users.is_active is 'Whether the directory wants them in; a deactivated person has no membership';
comment on column auth.scim_users.created_at is 'When the directory first named the person';
comment on column auth.scim_users.updated_at is 'When the directory last changed them';

create table auth.scim_groups (
  id uuid primary key,
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  display_name text not null check (char_length(display_name) between 1 and 200),
  external_id text check (char_length(external_id) between 1 and 200),
  role text check (role in ('admin', 'member', 'viewer')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (tenant_id, id)
);
create unique index scim_groups_display_name on auth.scim_groups (tenant_id, lower(display_name));
comment on table auth.scim_groups is 'Groups of an organisation''s directory; a group may stand for a role';
comment on column auth.scim_groups.id is 'UUIDv7; the id of the resource in SCIM';
comment on column auth.scim_groups.tenant_id is 'The organisation';
comment on column auth.scim_groups.display_name is 'Name of the group; unique whatever its case';
comment on column auth.scim_groups.external_id is 'Id in the directory';
comment on column auth.scim_groups.role is 'Role its members have here, chosen by an administrator; null: none of its own. Never owner';
comment on column auth.scim_groups.created_at is 'When the directory first named the group';
comment on column auth.scim_groups.updated_at is 'When the directory last changed it';

create table auth.scim_group_members (
  tenant_id uuid not null,
  group_id uuid not null,
  scim_user_id uuid not null,
  primary key (tenant_id, group_id, scim_user_id),
  foreign key (tenant_id, group_id) references auth.scim_groups (tenant_id, id) on delete cascade,
  foreign key (tenant_id, scim_user_id) references auth.scim_users (tenant_id, id) on delete cascade
);
create index scim_group_members_user on auth.scim_group_members (tenant_id, scim_user_id);
comment on table auth.scim_group_members is 'Who is in which group of the directory';
comment on column auth.scim_group_members.tenant_id is 'The organisation';
comment on column auth.scim_group_members.group_id is 'The group';
comment on column auth.scim_group_members.scim_user_id is 'The person';

-- A membership that ends or changes its role is told to every process, whoever changes it: no remembered session, key or
-- token outlives it.
create function auth.announce_membership() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  perform pg_notify('bulkhead_sessions', 'user:' || old.user_id);
  return null;
end
$$;
comment on function auth.announce_membership() is 'Trigger of auth.members';
create trigger announce_membership after update or delete on auth.members
  for each row execute function auth.announce_membership();

do $$
declare
  name text;
begin
  foreach name in array array['api_keys', 'token_families', 'token_pairs', 'device_codes', 'scim_tokens', 'scim_users', 'scim_groups', 'scim_group_members'] loop
    execute format('alter table auth.%I enable row level security', name);
    execute format('alter table auth.%I force row level security', name);
    execute format('create policy auth_all on auth.%I for all to bulkhead_auth using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on auth.%I to bulkhead_auth', name);
    -- FORCE binds the owner too; migrations, foreign keys and backups need every row.
    execute format('create policy owner_maintenance on auth.%I to %I using (true) with check (true)', name, current_user);
  end loop;
end
$$;

-- Whom the directory put out stays out, whatever other way in there is: an invitation, a sign-on, an old page.
create function auth.refuse_deprovisioned() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if exists (select from auth.scim_users s where s.tenant_id = new.tenant_id and s.user_id = new.user_id and not s.is_active) then
    raise exception 'the directory of the organisation has deactivated this person' using errcode = 'foreign_key_violation';
  end if;
  return new;
end
$$;
comment on function auth.refuse_deprovisioned() is 'Trigger of auth.members';
create trigger refuse_deprovisioned before insert on auth.members
  for each row execute function auth.refuse_deprovisioned();
