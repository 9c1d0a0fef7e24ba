-- The database knows which columns hold sealed texts, and keeps each data key as long as one of them names it. So a
-- renewal of data keys may run beside servers that write: whoever stores a text whose key has gone meanwhile is told to
-- try again, and a key goes only when everybody who was about to use it is done.
alter table kernel.data_keys add column swept_at timestamptz;
comment on column kernel.data_keys.swept_at is 'When a renewal was through with this retired key, which still protects what could not be opened; null while it has to be moved from.';
-- What was retired before renewals moved anything is not an interrupted one.
update kernel.data_keys set swept_at = retired_at where retired_at is not null;

create index data_keys_retired on kernel.data_keys (id) where retired_at is not null;

create function kernel.data_key_of(sealed text) returns uuid
language sql immutable strict parallel safe set search_path = pg_catalog as $$
  select case when sealed ~ '^v1\.[A-Za-z0-9_-]{21}[AQgw]\.' then
    encode(decode(translate(split_part(sealed, '.', 2), '-_', '+/') || '==', 'base64'), 'hex')::uuid
  end
$$;
comment on function kernel.data_key_of(text) is 'The data key that a sealed text (v1.kid.iv.ct.tag) names; null for what is none.';

create function kernel.hold_data_key() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  sealed constant text := to_jsonb(new) ->> tg_argv[0];
begin
  if sealed is null then
    return new;
  end if;
  if sealed !~ '^v1\.[A-Za-z0-9_-]{21}[AQgw]\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{22}$' then
    raise exception '%.% takes sealed texts only', tg_relid::regclass, tg_argv[0] using errcode = 'check_violation';
  end if;
  -- The lock is held until the text is committed; rewrapping the key does not wait for it, deleting the key does.
  perform from kernel.data_keys k where k.id = kernel.data_key_of(sealed) for key share;
  if not found then
    raise exception 'the data key of %.% was renewed meanwhile', tg_relid::regclass, tg_argv[0]
      using errcode = 'serialization_failure';
  end if;
  return new;
end
$$;
comment on function kernel.hold_data_key() is 'Trigger of columns with sealed texts: nothing unsealed gets in, and nothing that names a data key which is not there.';
revoke execute on function kernel.hold_data_key() from public;

create function kernel.protect_sealed_column(target regclass, name text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  execute format('create trigger %I before insert or update of %I on %s for each row execute function kernel.hold_data_key(%L)',
    'hold_data_key_of_' || name, name, target, name);
end
$$;
comment on function kernel.protect_sealed_column(regclass, text) is
  'For a column with texts of kernel/secrets; its module also lists it among its sealed columns.';
revoke execute on function kernel.protect_sealed_column(regclass, text) from public;

create function kernel.list_sealed_columns() returns table (table_name text, column_name text)
language sql stable set search_path = pg_catalog as $$
  select t.tgrelid::regclass::text, a.attname::text
  from pg_trigger t join pg_attribute a on a.attrelid = t.tgrelid and a.attnum = t.tgattr[0]
  where t.tgfoid = 'kernel.hold_data_key'::regproc
  order by 1, 2
$$;
comment on function kernel.list_sealed_columns() is 'Every column that is protected by protect_sealed_column.';
revoke execute on function kernel.list_sealed_columns() from public;
grant execute on function kernel.list_sealed_columns() to bulkhead_system;

-- Counts only: no role of the server sees the texts of accounts and those of organisations at once.
create function kernel.count_sealed() returns table (table_name text, column_name text, data_key_id uuid, sealed_count bigint)
language plpgsql stable security definer set search_path = pg_catalog as $$
begin
  for table_name, column_name in select c.table_name, c.column_name from kernel.list_sealed_columns() c loop
    for data_key_id, sealed_count in execute format(
      'select kernel.data_key_of(%1$I), count(*) from %2$s where %1$I is not null group by 1', column_name, table_name)
    loop
      return next;
    end loop;
  end loop;
end
$$;
comment on function kernel.count_sealed() is 'How many sealed texts of each column name each data key.';
revoke execute on function kernel.count_sealed() from public;
grant execute on function kernel.count_sealed() to bulkhead_system;

create function kernel.release_data_keys(most integer, after uuid) returns table (last_id uuid, released integer)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  free uuid[];
  target record;
  used uuid[];
begin
  -- Waits for those who are about to store a text under one of them; each statement after it sees what they stored.
  select array_agg(k.id order by k.id) into free from (
    select d.id from kernel.data_keys d where d.retired_at is not null and (after is null or d.id > after)
    order by d.id limit most for update
  ) k;
  if free is null then
    return;
  end if;
  last_id := free[array_upper(free, 1)];
  for target in select c.table_name, c.column_name from kernel.list_sealed_columns() c loop
    execute format('select array_agg(distinct kernel.data_key_of(%1$I)) from %2$s where kernel.data_key_of(%1$I) = any($1)',
      target.column_name, target.table_name) into used using free;
    if used is not null then
      free := array(select id from unnest(free) id where id <> all (used));
    end if;
  end loop;
  delete from kernel.data_keys where id = any (free);
  get diagnostics released = row_count;
  return next;
end
$$;
comment on function kernel.release_data_keys(integer, uuid) is 'Deletes those of the next retired data keys that no sealed text names.';
revoke execute on function kernel.release_data_keys(integer, uuid) from public;
grant execute on function kernel.release_data_keys(integer, uuid) to bulkhead_system;

-- The tables of accounts are older than this; later modules protect their columns themselves.
select kernel.protect_sealed_column('auth.second_factors', 'totp_secret');
select kernel.protect_sealed_column('auth.sso_connections', 'client_secret_ciphertext');
select kernel.protect_sealed_column('auth.sso_connections', 'private_key_ciphertext');
select kernel.protect_sealed_column('auth.sso_sessions', 'id_token_ciphertext');
