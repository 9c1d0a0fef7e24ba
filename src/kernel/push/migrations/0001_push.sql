-- Web Push: the browsers that people want to be told in, and the messages on their way to them.

create table kernel.vapid_keys (
  id uuid primary key,
  public_key text not null,
  private_key_ciphertext text not null,
  created_at timestamptz not null default now()
);
create unique index vapid_keys_one on kernel.vapid_keys ((true));
comment on table kernel.vapid_keys is 'The key pair by which push services know this installation (RFC 8292); one row, made at first use.';
comment on column kernel.vapid_keys.id is 'UUIDv7.';
comment on column kernel.vapid_keys.public_key is 'P-256 point, uncompressed, base64url; browsers subscribe with it.';
comment on column kernel.vapid_keys.private_key_ciphertext is 'Private key, encrypted for this row.';
comment on column kernel.vapid_keys.created_at is 'When it was made; browsers that subscribed with an older pair must subscribe again.';
alter table kernel.vapid_keys enable row level security;
alter table kernel.vapid_keys force row level security;
create policy system_access on kernel.vapid_keys to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.vapid_keys to current_user using (true) with check (true);
grant select, insert on kernel.vapid_keys to bulkhead_system;

-- Bound to a person and a session, not to an organisation: a browser is told of all that concerns its reader, and of
-- nothing once they are signed out.
create table kernel.push_subscriptions (
  id uuid primary key,
  owner_id uuid not null references auth.users (id) on delete cascade,
  session_id uuid not null references auth.sessions (id) on delete cascade,
  endpoint text not null check (char_length(endpoint) between 1 and 2000),
  endpoint_hash bytea not null unique check (octet_length(endpoint_hash) = 32),
  p256dh text not null,
  auth text not null,
  device text not null check (char_length(device) between 1 and 200),
  allows_text boolean not null default false,
  last_sent_at timestamptz,
  last_error text,
  created_at timestamptz not null default now()
);
create index push_subscriptions_by_owner on kernel.push_subscriptions (owner_id, id desc);
create index push_subscriptions_session_id on kernel.push_subscriptions (session_id);
comment on table kernel.push_subscriptions is 'Browsers that get a person''s notifications by Web Push.';
comment on column kernel.push_subscriptions.id is 'UUIDv7.';
comment on column kernel.push_subscriptions.owner_id is 'Person.';
comment on column kernel.push_subscriptions.session_id is 'Session that subscribed; with it the subscription ends.';
comment on column kernel.push_subscriptions.endpoint is 'Address at the push service; whoever knows it may try to send.';
comment on column kernel.push_subscriptions.endpoint_hash is 'SHA-256 of the address; a browser has one subscription.';
comment on column kernel.push_subscriptions.p256dh is 'Public key of the browser, base64url.';
comment on column kernel.push_subscriptions.auth is 'Authentication secret of the browser, base64url.';
comment on column kernel.push_subscriptions.device is 'What the browser said it is.';
comment on column kernel.push_subscriptions.allows_text is 'Whether more than the title may be shown, on a screen others may see.';
comment on column kernel.push_subscriptions.last_sent_at is 'When the push service last took a message.';
comment on column kernel.push_subscriptions.last_error is 'Why the last message did not get there; null after one that did.';
comment on column kernel.push_subscriptions.created_at is 'When it was made.';
select kernel.protect_table('kernel.push_subscriptions',
  'owner_id = (select nullif(current_setting(''app.user_id'', true), '''')::uuid)', 'select, insert, update, delete');

-- Two people who use one browser after another must not get each other's messages. Who knows an endpoint has the browser.
create function kernel.release_push_endpoint(hash bytea) returns void
language sql security definer set search_path = pg_catalog as $$
  delete from kernel.push_subscriptions
  where endpoint_hash = hash
    and owner_id is distinct from nullif(current_setting('app.user_id', true), '')::uuid
$$;
comment on function kernel.release_push_endpoint(bytea) is 'Takes a browser''s subscription from whoever had it before.';
revoke execute on function kernel.release_push_endpoint(bytea) from public;
grant execute on function kernel.release_push_endpoint(bytea) to bulkhead_app;

create table kernel.push_deliveries (
  id uuid primary key,
  subscription_id uuid not null references kernel.push_subscriptions (id) on delete cascade,
  payload jsonb,
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
  attempts integer not null default 0 check (attempts >= 0),
  due_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '12 hours',
  lease_id uuid,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((state = 'waiting') = (finished_at is null))
);
create index push_deliveries_due on kernel.push_deliveries (due_at) where state = 'waiting';
create index push_deliveries_subscription_id on kernel.push_deliveries (subscription_id);
create index push_deliveries_finished on kernel.push_deliveries (finished_at) where finished_at is not null;
comment on table kernel.push_deliveries is 'Push messages on their way, one per browser, and what became of them.';
comment on column kernel.push_deliveries.id is 'UUIDv7.';
comment on column kernel.push_deliveries.subscription_id is 'Browser it goes to.';
comment on column kernel.push_deliveries.payload is 'Title, link and, where allowed, text; erased once it is settled.';
comment on column kernel.push_deliveries.state is 'waiting: to be sent. sent: the push service took it. failed: given up.';
comment on column kernel.push_deliveries.attempts is 'Tries so far, the one under way included.';
comment on column kernel.push_deliveries.due_at is 'When to try next; during a try, when its lease runs out.';
comment on column kernel.push_deliveries.expires_at is 'When it is no news any more: the end of its tries, and of its time to live at the push service.';
comment on column kernel.push_deliveries.lease_id is 'The try that may settle it.';
comment on column kernel.push_deliveries.last_error is 'Why the last try failed.';
comment on column kernel.push_deliveries.created_at is 'When it was queued.';
comment on column kernel.push_deliveries.finished_at is 'When it was sent or given up.';
alter table kernel.push_deliveries enable row level security;
alter table kernel.push_deliveries force row level security;
create policy system_access on kernel.push_deliveries to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.push_deliveries to current_user using (true) with check (true);
grant select, insert, update, delete on kernel.push_deliveries to bulkhead_system;
