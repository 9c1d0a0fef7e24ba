-- Feature flags: what the operator switched for everybody, and for single organisations.

create table kernel.feature_flags (
  name text primary key check (name ~ '^[a-z][a-z0-9.-]{0,79}$'),
  rollout_percent smallint not null check (rollout_percent between 0 and 100),
  updated_at timestamptz not null default now(),
  updated_by uuid
);
comment on table kernel.feature_flags is 'Flags that the operator set; one without a row has the default of the code.';
comment on column kernel.feature_flags.name is 'Name declared in the code, such as app.agents.';
comment on column kernel.feature_flags.rollout_percent is 'For how many organisations of a hundred it is on: 0 is off, 100 is on for all.';
comment on column kernel.feature_flags.updated_at is 'When it was last set.';
comment on column kernel.feature_flags.updated_by is 'Who set it.';
alter table kernel.feature_flags enable row level security;
alter table kernel.feature_flags force row level security;
create policy system_access on kernel.feature_flags to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.feature_flags to current_user using (true) with check (true);
grant select, insert, update, delete on kernel.feature_flags to bulkhead_system;

create table kernel.feature_flag_exceptions (
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  flag_name text not null check (flag_name ~ '^[a-z][a-z0-9.-]{0,79}$'),
  is_on boolean not null,
  updated_at timestamptz not null default now(),
  updated_by uuid,
  primary key (tenant_id, flag_name)
);
create index feature_flag_exceptions_by_flag on kernel.feature_flag_exceptions (flag_name, tenant_id);
comment on table kernel.feature_flag_exceptions is 'Organisations for which a flag is on or off whatever the rest has.';
comment on column kernel.feature_flag_exceptions.tenant_id is 'The organisation.';
comment on column kernel.feature_flag_exceptions.flag_name is 'Name declared in the code.';
comment on column kernel.feature_flag_exceptions.is_on is 'Whether it is on there.';
comment on column kernel.feature_flag_exceptions.updated_at is 'When it was last set.';
comment on column kernel.feature_flag_exceptions.updated_by is 'Who set it.';
alter table kernel.feature_flag_exceptions enable row level security;
alter table kernel.feature_flag_exceptions force row level security;
create policy system_access on kernel.feature_flag_exceptions to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.feature_flag_exceptions to current_user using (true) with check (true);
grant select, insert, update, delete on kernel.feature_flag_exceptions to bulkhead_system;
