-- What a request, a run or an import under way writes after an organisation or a person is gone would be nobody's and
-- stay for ever. So after each erasure the database is looked through twice for rows whose owner does not exist.

create table kernel.late_sweeps (
  id uuid primary key,
  due_at timestamptz not null
);
create index late_sweeps_due on kernel.late_sweeps (due_at);
comment on table kernel.late_sweeps is 'When to look for rows that came after an erasure; names nobody.';
comment on column kernel.late_sweeps.id is 'UUIDv7.';
comment on column kernel.late_sweeps.due_at is 'When to look.';
alter table kernel.late_sweeps enable row level security;
alter table kernel.late_sweeps force row level security;
create policy system_access on kernel.late_sweeps to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.late_sweeps to current_user using (true) with check (true);
grant select, insert, delete on kernel.late_sweeps to bulkhead_system;

-- Tables that others point to come after them, in as many rounds as it takes.
create function kernel.delete_tenant_rows(tenant uuid) returns table (table_name text, row_count bigint)
language plpgsql set search_path = pg_catalog as $$
declare
  target record;
  waiting integer := -1;
  still_waiting integer;
  counted bigint;
begin
  perform set_config('kernel.tenant_erasure', tenant::text, true);
  loop
    still_waiting := 0;
    for target in
      select c.oid::regclass as name from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
      where c.relkind in ('r', 'p') and not c.relispartition
        and (n.nspname in ('kernel', 'auth') or n.nspname like 'app\_%')
        and c.oid <> 'kernel.object_removals'::regclass
      order by c.oid desc
    loop
      begin
        execute format('delete from %s where tenant_id = $1', target.name) using tenant;
        get diagnostics counted = row_count;
        if counted > 0 then
          table_name := target.name::text;
          row_count := counted;
          return next;
        end if;
      exception when foreign_key_violation then
        still_waiting := still_waiting + 1;
      end;
    end loop;
    exit when still_waiting = 0;
    if still_waiting = waiting then
      raise exception 'the tables of % keep each other alive', tenant using errcode = 'restrict_violation';
    end if;
    waiting := still_waiting;
  end loop;
  perform set_config('kernel.tenant_erasure', '', true);
end
$$;
comment on function kernel.delete_tenant_rows(uuid) is 'Deletes every row of an organisation; for the functions that have made sure that it may.';
revoke execute on function kernel.delete_tenant_rows(uuid) from public;

-- Deletes what belongs to organisations and people that do not exist. The nil UUID is the server itself.
create function kernel.sweep_orphans() returns table (table_name text, row_count bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  target record;
  tenant uuid;
  tenants uuid[] := '{}';
  found_tenants uuid[];
  counted bigint;
begin
  for target in
    select c.oid::regclass as name, a.attname from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname in ('tenant_id', 'owner_id') and not a.attisdropped
    where c.relkind in ('r', 'p') and not c.relispartition
      and (n.nspname in ('kernel', 'auth') or n.nspname like 'app\_%')
      and c.oid <> 'kernel.object_removals'::regclass
    order by c.oid desc
  loop
    if target.attname = 'tenant_id' then
      execute format('select array(select distinct t.tenant_id from %s t
        where t.tenant_id <> ''00000000-0000-0000-0000-000000000000''
          and not exists (select from auth.organizations o where o.id = t.tenant_id))', target.name) into found_tenants;
      tenants := tenants || found_tenants;
    else
      execute format('delete from %s t where t.owner_id <> ''00000000-0000-0000-0000-000000000000''
        and not exists (select from auth.users u where u.id = t.owner_id)', target.name);
      get diagnostics counted = row_count;
      if counted > 0 then
        table_name := target.name::text;
        row_count := counted;
        return next;
      end if;
    end if;
  end loop;
  foreach tenant in array array(select distinct unnest(tenants)) loop
    return query select * from kernel.delete_tenant_rows(tenant);
  end loop;
end
$$;
comment on function kernel.sweep_orphans() is 'Deletes rows of organisations and people that do not exist.';
revoke execute on function kernel.sweep_orphans() from public;
grant execute on function kernel.sweep_orphans() to bulkhead_system;

create or replace function kernel.erase_account(person uuid) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  counted bigint;
begin
  if not exists (
    select from kernel.erasures e where e.due_at <= now() and e.kind = 'person' and e.subject_id = person
  ) then
    raise exception 'the account % is not due to be erased', person using errcode = 'restrict_violation';
  end if;
  -- One that was founded while the rest was being erased: the next try takes it along.
  if exists (
    select from auth.members m where m.user_id = person
      and not exists (select from auth.members o where o.tenant_id = m.tenant_id and o.user_id <> person)
  ) then
    raise exception 'an organisation of % would be left to nobody', person using errcode = 'restrict_violation';
  end if;
  -- An organisation is never left without an owner: who has been there longest with the most rights follows.
  update auth.members m set role = 'owner'
  from (
    select distinct on (o.tenant_id) o.tenant_id, o.user_id from auth.members o
    where o.user_id <> person
      and exists (select from auth.members mine
                  where mine.tenant_id = o.tenant_id and mine.user_id = person and mine.role = 'owner')
      and not exists (select from auth.members other
                      where other.tenant_id = o.tenant_id and other.role = 'owner' and other.user_id <> person)
    order by o.tenant_id, array_position(array['admin', 'member', 'viewer'], o.role), o.created_at
  ) heir
  where m.tenant_id = heir.tenant_id and m.user_id = heir.user_id;
  -- What others offered to this address, and nobody took up.
  delete from auth.invitations i using auth.users u where u.id = person and lower(i.email) = lower(u.email);
  perform pg_notify('bulkhead_sessions', 'user:' || person::text);
  delete from auth.users where id = person;
  get diagnostics counted = row_count;
  return counted;
end
$$;
