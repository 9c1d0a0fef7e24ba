-- Unlogged: counters are worth less than the fsync they would cost at each request.
create unlogged table kernel.rate_limits (
  key text primary key,
  used_points bigint not null,
  expires_at timestamptz not null
);

create index rate_limits_expires_at on kernel.rate_limits (expires_at);

comment on table kernel.rate_limits is 'Fixed-window counters of rate limits, used when several processes share no Redis. Forgotten when PostgreSQL crashes.';
comment on column kernel.rate_limits.key is 'Limit, window and a digest of what is counted; never an address or a name.';
comment on column kernel.rate_limits.used_points is 'Points taken in the current window.';
comment on column kernel.rate_limits.expires_at is 'End of the window; later rows start a new one.';

-- No tenant owns a counter (most count addresses), so only the system role may see them.
alter table kernel.rate_limits enable row level security;
alter table kernel.rate_limits force row level security;
create policy system_access on kernel.rate_limits to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.rate_limits to current_user using (true) with check (true);
grant select, insert, update, delete on kernel.rate_limits to bulkhead_system;
