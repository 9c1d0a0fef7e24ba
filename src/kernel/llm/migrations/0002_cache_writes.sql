-- Tokens written to a provider's cache have a price of their own; calls say by which key they came.

alter table kernel.model_prices add cache_write_input_micros_per_million_tokens bigint
  check (cache_write_input_micros_per_million_tokens >= 0);
comment on column kernel.model_prices.cache_write_input_micros_per_million_tokens is
  'Same, for tokens written to the provider''s cache; null: as other input.';
comment on column kernel.model_prices.input_micros_per_million_tokens is
  'Millionths of the installation''s currency (CURRENCY) per million tokens read, neither from nor into a cache.';

alter table kernel.model_calls
  add cache_write_input_tokens integer not null default 0 check (cache_write_input_tokens >= 0),
  add key_id text;
comment on column kernel.model_calls.cache_write_input_tokens is 'Of the tokens read, written to the provider''s cache.';
comment on column kernel.model_calls.key_id is 'API key by which it came; null when it came otherwise.';
comment on column kernel.model_calls.cost_micros is 'Millionths of the installation''s currency (CURRENCY); null when no price was known.';

-- Usage is summed over ranges of time.
create index model_calls_by_time on kernel.model_calls (tenant_id, created_at);
