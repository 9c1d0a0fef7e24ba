-- People's rights over their data: copies of it, its end, and how long each kind is kept.

create table kernel.exports (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'ready', 'failed')),
  progress_percent smallint not null default 0 check (progress_percent between 0 and 100),
  object_id uuid,
  size_bytes bigint check (size_bytes >= 0),
  error_code text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  expires_at timestamptz,
  check ((state in ('ready', 'failed')) = (finished_at is not null)),
  check ((object_id is not null) = (state = 'ready'))
);
create index exports_list on kernel.exports (tenant_id, owner_id, id desc);
create unique index exports_one_at_a_time on kernel.exports (owner_id) where state in ('queued', 'running');
create index exports_expires_at on kernel.exports (expires_at) where expires_at is not null;
comment on table kernel.exports is 'Copies that people asked for of everything that is theirs; kept in their personal organisation.';
comment on column kernel.exports.id is 'UUIDv7.';
comment on column kernel.exports.tenant_id is 'Personal organisation of the person.';
comment on column kernel.exports.owner_id is 'Whose data it is.';
comment on column kernel.exports.state is 'queued, running, ready or failed.';
comment on column kernel.exports.progress_percent is 'How much of it is written.';
comment on column kernel.exports.object_id is 'The finished ZIP archive in storage.';
comment on column kernel.exports.size_bytes is 'Size of the archive.';
comment on column kernel.exports.error_code is 'Why it failed.';
comment on column kernel.exports.created_at is 'When it was asked for.';
comment on column kernel.exports.finished_at is 'When it was ready or given up.';
comment on column kernel.exports.expires_at is 'When the archive is deleted.';
select kernel.protect_personal_table('kernel.exports');

create table kernel.imports (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  object_id uuid,
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
  progress_percent smallint not null default 0 check (progress_percent between 0 and 100),
  result jsonb not null default '{}',
  error_code text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((state in ('done', 'failed')) = (finished_at is not null))
);
create index imports_list on kernel.imports (tenant_id, owner_id, id desc);
create unique index imports_one_at_a_time on kernel.imports (owner_id) where state in ('queued', 'running');
comment on table kernel.imports is 'Archives that people brought back.';
comment on column kernel.imports.id is 'UUIDv7.';
comment on column kernel.imports.tenant_id is 'Organisation the data comes into.';
comment on column kernel.imports.owner_id is 'Who brought it.';
comment on column kernel.imports.object_id is 'The archive, until it has been read.';
comment on column kernel.imports.state is 'queued, running, done or failed.';
comment on column kernel.imports.progress_percent is 'How much of it has been read.';
comment on column kernel.imports.result is 'Per kind, how many came in and how many were left out.';
comment on column kernel.imports.error_code is 'Why it failed.';
comment on column kernel.imports.created_at is 'When it was uploaded.';
comment on column kernel.imports.finished_at is 'When it was done or given up.';
select kernel.protect_personal_table('kernel.imports');

create table kernel.erasures (
  id uuid primary key,
  kind text not null check (kind in ('person', 'organisation')),
  subject_id uuid not null,
  certificate_id uuid not null unique,
  requested_by uuid,
  requested_at timestamptz not null default now(),
  due_at timestamptz not null,
  attempts integer not null default 0 check (attempts >= 0),
  lease_until timestamptz,
  last_error text
);
create unique index erasures_subject on kernel.erasures (kind, subject_id);
create index erasures_due on kernel.erasures (due_at);
comment on table kernel.erasures is 'People and organisations that will be deleted when their time of grace is over; a row goes with what it erased.';
comment on column kernel.erasures.id is 'UUIDv7.';
comment on column kernel.erasures.kind is 'person or organisation.';
comment on column kernel.erasures.subject_id is 'The user or the organisation.';
comment on column kernel.erasures.certificate_id is 'Where the certificate will be; random, told to who asked.';
comment on column kernel.erasures.requested_by is 'Who asked for it.';
comment on column kernel.erasures.requested_at is 'When that was.';
comment on column kernel.erasures.due_at is 'When the time of grace ends.';
comment on column kernel.erasures.attempts is 'Tries so far.';
comment on column kernel.erasures.lease_until is 'Until when a process has it in hand.';
comment on column kernel.erasures.last_error is 'Why the last try failed.';
alter table kernel.erasures enable row level security;
alter table kernel.erasures force row level security;
create policy auth_requests on kernel.erasures to bulkhead_auth using (true) with check (true);
create policy system_access on kernel.erasures to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.erasures to current_user using (true) with check (true);
grant select, insert, update, delete on kernel.erasures to bulkhead_auth, bulkhead_system;

create table kernel.deletion_certificates (
  id uuid primary key,
  kind text not null check (kind in ('person', 'organisation')),
  requested_at timestamptz not null,
  completed_at timestamptz not null,
  facts jsonb not null,
  digest text not null
);
comment on table kernel.deletion_certificates is 'What was deleted, in numbers: nothing in it says whose it was.';
comment on column kernel.deletion_certificates.id is 'UUID; random, so that it tells neither when nor whose.';
comment on column kernel.deletion_certificates.kind is 'person or organisation.';
comment on column kernel.deletion_certificates.requested_at is 'When the deletion was asked for.';
comment on column kernel.deletion_certificates.completed_at is 'When everything was gone.';
comment on column kernel.deletion_certificates.facts is 'Rows by table and files that were deleted, and what is kept elsewhere and until when.';
comment on column kernel.deletion_certificates.digest is 'HMAC-SHA256 over the certificate under the server''s secret, so that a copy can be checked.';
alter table kernel.deletion_certificates enable row level security;
alter table kernel.deletion_certificates force row level security;
create policy system_access on kernel.deletion_certificates to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.deletion_certificates to current_user using (true) with check (true);
grant select, insert on kernel.deletion_certificates to bulkhead_system;

create table kernel.retention_rules (
  tenant_id uuid not null references auth.organizations (id) on delete cascade,
  kind text not null check (kind ~ '^[a-z][a-z0-9.-]{0,79}$'),
  keep_days integer not null check (keep_days between 1 and 36500),
  updated_by uuid,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, kind)
);
comment on table kernel.retention_rules is 'How long an organisation keeps a kind of data, where it says otherwise than the default.';
comment on column kernel.retention_rules.tenant_id is 'The organisation.';
comment on column kernel.retention_rules.kind is 'Kind declared in the code, such as agents.conversations.';
comment on column kernel.retention_rules.keep_days is 'Days after which rows of it are deleted.';
comment on column kernel.retention_rules.updated_by is 'Who set it.';
comment on column kernel.retention_rules.updated_at is 'When it was set.';
select kernel.protect_tenant_table('kernel.retention_rules');

-- The trail is append-only while its organisation exists; with the organisation it goes, and its chain with it.
create or replace function kernel.refuse_audit_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  -- Retention and erasure say for which organisation; no role of the server may delete, whatever it sets.
  if tg_op = 'DELETE' then
    if current_setting('kernel.tenant_erasure', true) = old.tenant_id::text then
      return old;
    end if;
    if tg_table_name = 'audit_records' and current_setting('kernel.audit_pruning', true) = old.tenant_id::text then
      return old;
    end if;
  end if;
  raise exception 'the audit trail is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end
$$;

-- Runs as its owner, because no role of the server may delete from append-only tables. It finds the tables itself: one
-- that is added tomorrow is erased as well. Tables that others point to come after them, in as many rounds as it takes.
create function kernel.erase_tenant(tenant uuid) returns table (table_name text, row_count bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  target record;
  waiting integer := -1;
  still_waiting integer;
  counted bigint;
begin
  -- Nothing is erased but what was asked for, and whose time of grace is over.
  if not exists (
    select from kernel.erasures e
    where e.due_at <= now() and (
      (e.kind = 'organisation' and e.subject_id = tenant)
      -- A person's own organisation, and one that nobody else belongs to, go with the person.
      or (e.kind = 'person'
          and exists (select from auth.members m where m.tenant_id = tenant and m.user_id = e.subject_id)
          and not exists (select from auth.members m where m.tenant_id = tenant and m.user_id <> e.subject_id)))
  ) then
    raise exception 'the organisation % is not due to be erased', tenant using errcode = 'restrict_violation';
  end if;
  perform set_config('kernel.tenant_erasure', tenant::text, true);
  -- Sessions that work in it end; every process forgets what it remembered of them.
  perform pg_notify('bulkhead_sessions', 'user:' || m.user_id::text) from auth.members m where m.tenant_id = tenant;
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
  delete from auth.organizations where id = tenant;
  perform set_config('kernel.tenant_erasure', '', true);
end
$$;
comment on function kernel.erase_tenant(uuid) is 'Deletes every row of an organisation that is due to be erased, and the organisation.';
revoke execute on function kernel.erase_tenant(uuid) from public;
grant execute on function kernel.erase_tenant(uuid) to bulkhead_system;

-- The same for an account: the last step, after the personal organisation. Sessions, passkeys, keys, memberships and
-- the tokens of providers go with it.
create function kernel.erase_account(person uuid) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  counted bigint;
begin
  if not exists (
    select from kernel.erasures e where e.due_at <= now() and e.kind = 'person' and e.subject_id = person
  ) then
    raise exception 'the account % is not due to be erased', person using errcode = 'restrict_violation';
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
  perform pg_notify('bulkhead_sessions', 'user:' || person::text);
  delete from auth.users where id = person;
  get diagnostics counted = row_count;
  return counted;
end
$$;
comment on function kernel.erase_account(uuid) is 'Deletes an account that is due to be erased, with everything that hangs on it.';
revoke execute on function kernel.erase_account(uuid) from public;
grant execute on function kernel.erase_account(uuid) to bulkhead_system;

-- Calls of models are append-only, but for the name that is taken off them.
grant update (user_id) on kernel.model_calls to bulkhead_system;
