-- Connections to model endpoints, what their models cost, and every call made to them.

create table kernel.model_connections (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 80),
  kind text not null check (kind in ('openai-compatible', 'anthropic', 'google', 'mistral')),
  base_url text not null check (length(base_url) <= 2000),
  api_key_ciphertext text,
  key_last_four text check (length(key_last_four) <= 4),
  default_model text check (length(default_model) <= 200),
  context_window_tokens integer check (context_window_tokens between 512 and 10000000),
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, name)
);
create unique index model_connections_one_default on kernel.model_connections (tenant_id) where is_default;
select kernel.protect_tenant_table('kernel.model_connections');

comment on table kernel.model_connections is 'Model endpoints of an organisation, with their keys.';
comment on column kernel.model_connections.id is 'UUIDv7.';
comment on column kernel.model_connections.tenant_id is 'Organisation.';
comment on column kernel.model_connections.name is 'What people call it.';
comment on column kernel.model_connections.kind is 'Which protocol it speaks; mistral speaks the OpenAI-compatible one.';
comment on column kernel.model_connections.base_url is 'Address up to and without the operation, such as https://api.openai.com/v1.';
comment on column kernel.model_connections.api_key_ciphertext is 'Key, encrypted for this row; null when the endpoint asks for none.';
comment on column kernel.model_connections.key_last_four is 'End of the key, all that is ever shown of it.';
comment on column kernel.model_connections.default_model is 'Model offered first.';
comment on column kernel.model_connections.context_window_tokens is 'What its models take in all; null for the default of the kind.';
comment on column kernel.model_connections.is_default is 'Offered first to new agents; one per organisation.';
comment on column kernel.model_connections.created_at is 'When it was made.';
comment on column kernel.model_connections.updated_at is 'When it was last changed.';

create table kernel.model_prices (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  model text not null check (length(model) between 1 and 200),
  input_micros_per_million_tokens bigint not null check (input_micros_per_million_tokens >= 0),
  cached_input_micros_per_million_tokens bigint not null check (cached_input_micros_per_million_tokens >= 0),
  output_micros_per_million_tokens bigint not null check (output_micros_per_million_tokens >= 0),
  updated_at timestamptz not null default now(),
  unique (tenant_id, connection_id, model),
  foreign key (tenant_id, connection_id) references kernel.model_connections (tenant_id, id) on delete cascade
);
select kernel.protect_tenant_table('kernel.model_prices');

comment on table kernel.model_prices is 'What models cost, as the organisation states it; a model without a row has no known cost.';
comment on column kernel.model_prices.id is 'UUIDv7.';
comment on column kernel.model_prices.tenant_id is 'Organisation.';
comment on column kernel.model_prices.connection_id is 'Endpoint that charges this.';
comment on column kernel.model_prices.model is 'Model as the endpoint calls it.';
comment on column kernel.model_prices.input_micros_per_million_tokens is 'Millionths of a US dollar per million tokens read, not from a cache.';
comment on column kernel.model_prices.cached_input_micros_per_million_tokens is 'Same, for tokens read from the provider''s cache.';
comment on column kernel.model_prices.output_micros_per_million_tokens is 'Same, for tokens written.';
comment on column kernel.model_prices.updated_at is 'When it was last changed.';

create table kernel.model_calls (
  id uuid primary key,
  tenant_id uuid not null,
  user_id uuid,
  app text not null,
  subject_id text,
  run_id uuid,
  connection_id uuid,
  model text not null,
  input_tokens integer not null check (input_tokens >= 0),
  cached_input_tokens integer not null check (cached_input_tokens between 0 and input_tokens),
  output_tokens integer not null check (output_tokens >= 0),
  is_estimated boolean not null,
  cost_micros bigint check (cost_micros >= 0),
  first_token_ms integer check (first_token_ms >= 0),
  duration_ms integer not null check (duration_ms >= 0),
  attempts integer not null check (attempts >= 0),
  outcome text not null,
  created_at timestamptz not null default now()
);
create index model_calls_list on kernel.model_calls (tenant_id, id desc);
create index model_calls_by_run on kernel.model_calls (tenant_id, run_id) where run_id is not null;
select kernel.protect_append_only_table('kernel.model_calls');

comment on table kernel.model_calls is 'Every call to a model, written once when it has ended in whatever way.';
comment on column kernel.model_calls.id is 'UUIDv7.';
comment on column kernel.model_calls.tenant_id is 'Organisation that pays.';
comment on column kernel.model_calls.user_id is 'Person on whose behalf it was made; null for the organisation''s own work.';
comment on column kernel.model_calls.app is 'Application that asked.';
comment on column kernel.model_calls.subject_id is 'What it was for, such as an agent''s id.';
comment on column kernel.model_calls.run_id is 'Run it was part of; no foreign key, because figures outlive runs.';
comment on column kernel.model_calls.connection_id is 'Endpoint; null for the built-in offline model. No foreign key, because figures outlive connections.';
comment on column kernel.model_calls.model is 'Model as the endpoint calls it.';
comment on column kernel.model_calls.input_tokens is 'Tokens read, the cached ones included.';
comment on column kernel.model_calls.cached_input_tokens is 'Of those, read from the provider''s cache.';
comment on column kernel.model_calls.output_tokens is 'Tokens written, reasoning included.';
comment on column kernel.model_calls.is_estimated is 'True when the provider gave no figures and characters were counted instead.';
comment on column kernel.model_calls.cost_micros is 'Millionths of a US dollar; null when no price was known.';
comment on column kernel.model_calls.first_token_ms is 'From the request to the first part of the answer; null when there was none.';
comment on column kernel.model_calls.duration_ms is 'From the request to the end, waiting and retries included.';
comment on column kernel.model_calls.attempts is 'Requests made; 0 when it was refused before any.';
comment on column kernel.model_calls.outcome is 'ok, aborted, or the code of the error that ended it.';
comment on column kernel.model_calls.created_at is 'When it ended.';
