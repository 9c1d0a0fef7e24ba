-- Ways of proving who one is are added by the code that knows them; the trail takes any.
alter table kernel.audit_records drop constraint audit_records_actor_kind_check;
alter table kernel.audit_records add constraint audit_records_actor_kind_check check (actor_kind ~ '^[a-z]{1,20}$');
comment on column kernel.audit_records.actor_kind is 'session: a signed-in person. run: work they started. key: an API key. token: a phone or program of theirs. support: the operator, let in. system: Bulkhead itself.';
comment on column kernel.audit_records.actor_via is 'Id of the session, run, key, token family or grant, or the reason of the system.';

alter table kernel.audit_records add column device text;
comment on column kernel.audit_records.device is 'What the browser or program said it is, in a few words; null where there is none, and in records of the first form.';

-- The page lists by place, newest first (the unique key), and filters by these.
create index audit_records_actor on kernel.audit_records (tenant_id, actor_user_id, sequence);
create index audit_records_action on kernel.audit_records (tenant_id, action text_pattern_ops, sequence);
create index audit_records_resource on kernel.audit_records (tenant_id, resource text_pattern_ops, sequence);
create index audit_records_time on kernel.audit_records (tenant_id, occurred_at);

create table kernel.audit_anchors (
  tenant_id uuid primary key,
  sequence bigint not null check (sequence > 0),
  hash bytea not null check (octet_length(hash) = 32),
  pruned_at timestamptz not null default now()
);
comment on table kernel.audit_anchors is 'Where an organisation''s chain begins after old records were removed by retention; a record in the chain says the same.';
comment on column kernel.audit_anchors.tenant_id is 'Organisation.';
comment on column kernel.audit_anchors.sequence is 'Sequence of the last record removed.';
comment on column kernel.audit_anchors.hash is 'Hash of the last record removed, from which the chain goes on.';
comment on column kernel.audit_anchors.pruned_at is 'When that was.';

select kernel.protect_tenant_table('kernel.audit_anchors');
revoke insert, update, delete on kernel.audit_anchors from bulkhead_app, bulkhead_system;

create function kernel.refuse_audit_anchor_return() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if new.tenant_id <> old.tenant_id or new.sequence <= old.sequence then
    raise exception 'the beginning of an audit chain only moves on' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
comment on function kernel.refuse_audit_anchor_return() is 'Trigger of kernel.audit_anchors.';

create trigger moves_on before update on kernel.audit_anchors
  for each row execute function kernel.refuse_audit_anchor_return();
create trigger append_only before delete on kernel.audit_anchors
  for each row execute function kernel.refuse_audit_change();
create trigger append_only_whole before truncate on kernel.audit_anchors
  for each statement execute function kernel.refuse_audit_change();

create or replace function kernel.refuse_audit_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  -- Retention says for which organisation it removes; no role of the server may delete, whatever it sets.
  if tg_op = 'DELETE' and tg_table_name = 'audit_records' then
    if current_setting('kernel.audit_pruning', true) = old.tenant_id::text then
      return old;
    end if;
  end if;
  raise exception 'the audit trail is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end
$$;

-- Runs as its owner, because no role of the server may delete records: it removes from the beginning only, without gaps,
-- nothing younger than a week and never the end of the chain, and says where the chain now begins.
create function kernel.prune_audit_records(tenant uuid, older_than timestamptz, most integer)
returns table (through bigint, through_hash bytea, records bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  head bigint;
begin
  if older_than > now() - interval '7 days' then
    raise exception 'audit records of the last seven days are kept' using errcode = 'restrict_violation';
  end if;
  -- Holds the chain, so that nothing is appended between the removal and its record.
  select h.sequence into head from kernel.audit_heads h where h.tenant_id = tenant for update;
  select max(o.sequence) into through from (
    select f.sequence, bool_and(f.occurred_at < older_than) over (order by f.sequence) as is_old
    from (
      select r.sequence, r.occurred_at from kernel.audit_records r
      where r.tenant_id = tenant and r.sequence < head order by r.sequence limit most
    ) f
  ) o where o.is_old;
  if through is null then
    return;
  end if;
  select r.hash into through_hash from kernel.audit_records r where r.tenant_id = tenant and r.sequence = through;
  insert into kernel.audit_anchors as a (tenant_id, sequence, hash) values (tenant, through, through_hash)
  on conflict (tenant_id) do update set sequence = excluded.sequence, hash = excluded.hash, pruned_at = now();
  perform set_config('kernel.audit_pruning', tenant::text, true);
  delete from kernel.audit_records r where r.tenant_id = tenant and r.sequence <= through;
  get diagnostics records = row_count;
  perform set_config('kernel.audit_pruning', '', true);
  return next;
end
$$;
comment on function kernel.prune_audit_records(uuid, timestamptz, integer) is
  'Removes an organisation''s oldest audit records, for retention alone; the caller records it in the chain.';
revoke execute on function kernel.prune_audit_records(uuid, timestamptz, integer) from public;
grant execute on function kernel.prune_audit_records(uuid, timestamptz, integer) to bulkhead_system;
revoke execute on function kernel.refuse_audit_anchor_return() from public;
