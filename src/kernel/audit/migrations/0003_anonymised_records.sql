-- What of a record can lead to a person is hashed through commitments under a salt of the record: when the person is
-- erased, value and salt go, the commitment stays, and the chain still fits. Records of before keep their hash as it is.
-- The default stays: processes of the version before go on adding records of their form until they are replaced.
alter table kernel.audit_records add column form smallint not null default 2 check (form in (2, 3));
alter table kernel.audit_records add column salt bytea check (octet_length(salt) = 32);
alter table kernel.audit_records add column seals jsonb;
alter table kernel.audit_records add column anonymised_at timestamptz(3);
alter table kernel.audit_records add constraint audit_records_unsalted_check
  check (form = 3 or (salt is null and seals is null));
alter table kernel.audit_records add constraint audit_records_marked_check
  check ((seals is null) = (anonymised_at is null));
comment on column kernel.audit_records.form is '3: what can lead to a person is hashed through commitments. 2: of before, hashed as it stands.';
comment on column kernel.audit_records.salt is '32 random bytes from which the salts of the commitments derive; null once somebody in the record was erased.';
comment on column kernel.audit_records.seals is 'Of an anonymised record: erased, the commitments of what is gone, and salts, of what is left; by field, in hex.';
comment on column kernel.audit_records.anonymised_at is 'When somebody was taken out of it last; a record in the chain says the same.';

create function kernel.refuse_audit_update() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  -- Erasure says that it is at work, and seals off what leads to a person; no role of the server may update, whatever it sets.
  if current_setting('kernel.audit_anonymising', true) = 'on'
    and (new.id, new.tenant_id, new.sequence, new.occurred_at, new.action, new.actor_kind, new.form, new.hash)
      = (old.id, old.tenant_id, old.sequence, old.occurred_at, old.action, old.actor_kind, old.form, old.hash)
    and new.request_id is not distinct from old.request_id and new.salt is null and new.seals is not null
  then
    return new;
  end if;
  raise exception 'the audit trail is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end
$$;
comment on function kernel.refuse_audit_update() is 'Trigger of kernel.audit_records.';
revoke execute on function kernel.refuse_audit_update() from public;

drop trigger append_only on kernel.audit_records;
create trigger append_only before delete on kernel.audit_records
  for each row execute function kernel.refuse_audit_change();
create trigger sealed_off_only before update on kernel.audit_records
  for each row execute function kernel.refuse_audit_update();

-- What of a record can lead to somebody, by the names that the chain's formula knows them under.
create function kernel.audit_fields(r kernel.audit_records) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select jsonb_strip_nulls(jsonb_build_object('actorUserId', r.actor_user_id, 'actorVia', r.actor_via,
      'address', r.address, 'device', r.device, 'resource', r.resource))
    || coalesce((select jsonb_object_agg('details.' || d.key, d.value) from jsonb_each(r.details) d
                 where jsonb_typeof(d.value) = 'string'), '{}')
$$;
comment on function kernel.audit_fields(kernel.audit_records) is 'The texts of an audit record that are hashed through commitments.';

-- Which of them lead to this person: all that says who acted when they did it; whatever names them where others did.
create function kernel.audit_traces(r kernel.audit_records, person uuid, likely text[], naming text) returns text[]
language sql immutable set search_path = pg_catalog as $$
  select array(
    select f.key from jsonb_each_text(kernel.audit_fields(r)) f
    where (f.key in ('actorUserId', 'actorVia', 'address', 'device') and r.actor_user_id = person)
      -- What Bulkhead itself notes about somebody, such as that they joined, came from where they were.
      or (f.key in ('address', 'device') and r.actor_kind = 'system' and lower(r.resource) like any (likely) and r.resource ~* naming)
      or (f.key = 'resource' or f.key like 'details.%') and lower(f.value) like any (likely) and f.value ~* naming
    order by f.key)
$$;
comment on function kernel.audit_traces(kernel.audit_records, uuid, text[], text) is 'The texts of an audit record that lead to a person, by patterns of their ids and address: one that is quick, one that is exact.';

-- Seals off the named texts: commitment = SHA-256(SHA-256(salt, name), text), salts and commitments in hex.
create function kernel.anonymise_audit_record(r kernel.audit_records, traces text[], moment timestamptz) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  texts jsonb := kernel.audit_fields(r);
  salts jsonb := coalesce(r.seals -> 'salts', (
    select jsonb_object_agg(f.key, encode(sha256(r.salt || convert_to(f.key, 'UTF8')), 'hex')) from jsonb_each(texts) f));
  erased jsonb := coalesce(r.seals -> 'erased', '{}');
  trace text;
begin
  foreach trace in array traces loop
    erased := erased || jsonb_build_object(trace,
      encode(sha256(decode(salts ->> trace, 'hex') || convert_to(texts ->> trace, 'UTF8')), 'hex'));
    salts := salts - trace;
    case trace
      when 'actorUserId' then r.actor_user_id := null;
      when 'actorVia' then r.actor_via := '';
      when 'address' then r.address := null;
      when 'device' then r.device := null;
      when 'resource' then r.resource := coalesce(substring(r.resource from '^[a-z][a-z0-9-]*:'), '');
      else r.details := r.details || jsonb_build_object(substr(trace, 9), null);
    end case;
  end loop;
  update kernel.audit_records a set actor_user_id = r.actor_user_id, actor_via = r.actor_via, address = r.address,
    device = r.device, resource = r.resource, details = r.details, salt = null, anonymised_at = moment,
    seals = jsonb_build_object('erased', erased, 'salts', salts)
  where a.id = r.id;
end
$$;
comment on function kernel.anonymise_audit_record(kernel.audit_records, text[], timestamptz) is 'Used by kernel.anonymise_audit_records.';

-- Runs as its owner, because no role of the server may change records. It takes somebody out who is due to be erased,
-- and finds by itself what leads to them; the caller says where to look, so that no statement takes long, and records
-- what was done in the chains. Trails that end with the person are left to that. Fields are null for a record of before
-- commitments, which cannot be changed without breaking its chain and stays as it is.
create function kernel.anonymise_audit_records(
  person uuid, after_tenant uuid, after_sequence bigint, until_tenant uuid, until_sequence bigint, moment timestamptz
) returns table (tenant_id uuid, sequence bigint, fields text[])
language plpgsql security definer set search_path = pg_catalog as $$
declare
  own uuid[];
  address text;
  likely text[];
  naming text;
  r kernel.audit_records;
begin
  if not exists (
    select from kernel.erasures e where e.due_at <= now() and e.kind = 'person' and e.subject_id = person
  ) then
    raise exception 'the account % is not due to be erased', person using errcode = 'restrict_violation';
  end if;
  own := array(
    select m.tenant_id from auth.members m where m.user_id = person
      and not exists (select from auth.members o where o.tenant_id = m.tenant_id and o.user_id <> person));
  select u.email into address from auth.users u where u.id = person;
  likely := array(
    select '%' || regexp_replace(t, '([\\%_])', '\\\1', 'g') || '%'
    from unnest(array[person::text, address] || own::text[]) t where t is not null);
  -- An address inside of a longer one is somebody else's.
  naming := array_to_string(array[person::text] || own::text[], '|')
    || coalesce('|(?<![a-z0-9._%+-])' || regexp_replace(address, '([^[:alnum:]])', '\\\1', 'g') || '(?![a-z0-9-]|\.[a-z0-9])', '');
  perform set_config('kernel.audit_anonymising', 'on', true);
  for r in
    select a.* from kernel.audit_records a
    where (a.tenant_id, a.sequence) > (after_tenant, after_sequence)
      and (a.tenant_id, a.sequence) <= (until_tenant, until_sequence)
      and not a.tenant_id = any (own)
      and (a.actor_user_id = person or lower(a.resource || ' ' || a.details::text) like any (likely))
    order by a.tenant_id, a.sequence
  loop
    tenant_id := r.tenant_id;
    sequence := r.sequence;
    fields := array(
      select t from unnest(kernel.audit_traces(r, person, likely, naming)) t where not coalesce(r.seals -> 'erased' ? t, false));
    continue when fields = '{}';
    if r.form < 3 then
      fields := null;
    else
      perform kernel.anonymise_audit_record(r, fields, moment);
    end if;
    return next;
  end loop;
  perform set_config('kernel.audit_anonymising', '', true);
end
$$;
comment on function kernel.anonymise_audit_records(uuid, uuid, bigint, uuid, bigint, timestamptz) is
  'Takes a person who is due to be erased out of the audit records between two places; the caller records it in the chains.';
-- What a request under way recorded as somebody was erased: it names as actor, or as what was acted on, whoever has no
-- account. Takes nobody's word for who that is.
create function kernel.anonymise_absent_people(moment timestamptz)
returns table (tenant_id uuid, sequence bigint, fields text[])
language plpgsql security definer set search_path = pg_catalog as $$
declare
  late record;
  r kernel.audit_records;
begin
  perform set_config('kernel.audit_anonymising', 'on', true);
  for late in
    select a.id, p.person from kernel.audit_records a
    cross join lateral (
      select a.actor_user_id as person
      union select substring(a.resource from '^user:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$')::uuid
    ) p
    where a.form = 3 and p.person is not null and not exists (select from auth.users u where u.id = p.person)
    order by a.tenant_id, a.sequence
  loop
    select a.* into r from kernel.audit_records a where a.id = late.id;
    fields := array(
      select t from unnest(kernel.audit_traces(r, late.person, array['%' || late.person || '%'], late.person::text)) t
      where not coalesce(r.seals -> 'erased' ? t, false));
    continue when fields = '{}';
    tenant_id := r.tenant_id;
    sequence := r.sequence;
    perform kernel.anonymise_audit_record(r, fields, moment);
    return next;
  end loop;
  perform set_config('kernel.audit_anonymising', '', true);
end
$$;
comment on function kernel.anonymise_absent_people(timestamptz) is
  'Takes people who have no account out of the audit records that name them; the caller records it in the chains.';

revoke execute on function kernel.anonymise_absent_people(timestamptz), kernel.audit_fields(kernel.audit_records), kernel.audit_traces(kernel.audit_records, uuid, text[], text),
  kernel.anonymise_audit_record(kernel.audit_records, text[], timestamptz),
  kernel.anonymise_audit_records(uuid, uuid, bigint, uuid, bigint, timestamptz) from public;
grant execute on function kernel.anonymise_absent_people(timestamptz),
  kernel.anonymise_audit_records(uuid, uuid, bigint, uuid, bigint, timestamptz) to bulkhead_system;
