-- The ground every module builds on: the record of migrations, and the functions that put row-level security on a table.

create schema if not exists kernel;
comment on schema kernel is 'Tables of the kernel, shared by all applications.';
grant usage on schema kernel to bulkhead_app, bulkhead_system, bulkhead_auth;

create table kernel.migrations (
  module text not null,
  version integer not null,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now(),
  primary key (module, version)
);
comment on table kernel.migrations is 'Which migrations this database has had; written by the runner alone.';
comment on column kernel.migrations.module is 'Module or application that owns the migration.';
comment on column kernel.migrations.version is 'Number at the start of the file''s name, counted per module.';
comment on column kernel.migrations.name is 'Rest of the file''s name.';
comment on column kernel.migrations.checksum is 'SHA-256 of the file, in hex; a changed file is refused.';
comment on column kernel.migrations.applied_at is 'When it was applied.';
grant select on kernel.migrations to bulkhead_system;

-- The settings are read in a sub-select so that the planner evaluates them once per statement, not once per row.
create function kernel.protect_table(target regclass, app_condition text, app_verbs text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant_isolation on %s to bulkhead_app using (%s) with check (%s)',
    target, app_condition, app_condition);
  execute format('create policy system_access on %s to bulkhead_system using (true) with check (true)', target);
  -- FORCE binds the owner too; migrations and backups need every row.
  execute format('create policy owner_maintenance on %s to %I using (true) with check (true)', target,
    (select rolname from pg_roles join pg_class on pg_class.relowner = pg_roles.oid where pg_class.oid = target));
  execute format('grant %s on %s to bulkhead_app, bulkhead_system', app_verbs, target);
end
$$;
comment on function kernel.protect_table(regclass, text, text) is 'Used by the protect_* functions; not for tables directly.';

create function kernel.protect_tenant_table(target regclass) returns void
language sql set search_path = pg_catalog as $$
  select kernel.protect_table(target,
    'tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)',
    'select, insert, update, delete')
$$;
comment on function kernel.protect_tenant_table(regclass) is
  'For a table with tenant_id: requests see and write only rows of their tenant, and nothing when none is set.';

create function kernel.protect_personal_table(target regclass) returns void
language sql set search_path = pg_catalog as $$
  select kernel.protect_table(target,
    'tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
      ' and owner_id = (select nullif(current_setting(''app.user_id'', true), '''')::uuid)',
    'select, insert, update, delete')
$$;
comment on function kernel.protect_personal_table(regclass) is
  'For a table with tenant_id and owner_id: requests see and write only rows of their own user.';

create function kernel.protect_append_only_table(target regclass) returns void
language sql set search_path = pg_catalog as $$
  select kernel.protect_table(target,
    'tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)',
    'select, insert')
$$;
comment on function kernel.protect_append_only_table(regclass) is
  'Like protect_tenant_table, but rows can only be read and added, by system work too.';

revoke execute on all functions in schema kernel from public;
