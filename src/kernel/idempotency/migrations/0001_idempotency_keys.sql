create table kernel.idempotency_keys (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  route text not null,
  key text not null,
  request_hash text not null,
  state text not null check (state in ('running', 'committed', 'answered')),
  lease_id uuid not null,
  lease_expires_at timestamptz not null,
  answer_status smallint,
  answer_headers jsonb,
  answer_body text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  unique (tenant_id, owner_id, route, key),
  check ((state = 'answered') = (answer_status is not null))
);

create index idempotency_keys_expires_at on kernel.idempotency_keys (expires_at);

comment on table kernel.idempotency_keys is 'One row per Idempotency-Key of a caller and route: whether its request runs, took effect or was answered, and the answer. Kept 24 hours.';
comment on column kernel.idempotency_keys.id is 'UUIDv7 of the row.';
comment on column kernel.idempotency_keys.tenant_id is 'Organisation of the caller.';
comment on column kernel.idempotency_keys.owner_id is 'The caller; answers may hold what only they may read.';
comment on column kernel.idempotency_keys.route is 'Dotted id of the route.';
comment on column kernel.idempotency_keys.key is 'The key as the client sent it, unquoted.';
comment on column kernel.idempotency_keys.request_hash is 'Digest of path, query and body; another one under the same key is refused.';
comment on column kernel.idempotency_keys.state is 'running: a request holds the lease. committed: its effect is saved, the answer not yet. answered: replayable.';
comment on column kernel.idempotency_keys.lease_id is 'The request that holds the key; the effect of any other is rolled back.';
comment on column kernel.idempotency_keys.lease_expires_at is 'From when a request without effect counts as crashed, and a retry may run.';
comment on column kernel.idempotency_keys.answer_status is 'HTTP status of the first answer.';
comment on column kernel.idempotency_keys.answer_headers is 'Headers of the first answer that are replayed, such as location.';
comment on column kernel.idempotency_keys.answer_body is 'JSON text of the first answer; null for an answer without content.';
comment on column kernel.idempotency_keys.created_at is 'When the key was first seen.';
comment on column kernel.idempotency_keys.expires_at is 'From when the key may be used anew.';

select kernel.protect_personal_table('kernel.idempotency_keys');
