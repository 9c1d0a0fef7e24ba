create table kernel.audit_records (
  id uuid primary key,
  tenant_id uuid not null,
  sequence bigint not null check (sequence > 0),
  occurred_at timestamptz(3) not null,
  action text not null,
  resource text not null,
  details jsonb not null,
  actor_kind text not null check (actor_kind in ('session', 'run', 'system')),
  actor_user_id uuid,
  actor_via text not null,
  address text,
  request_id text,
  hash bytea not null check (octet_length(hash) = 32),
  unique (tenant_id, sequence)
);

comment on table kernel.audit_records is 'Who did what, when and from where. Only ever added to; each record is chained to the one before it.';
comment on column kernel.audit_records.id is 'UUIDv7 of the record.';
comment on column kernel.audit_records.tenant_id is 'Organisation whose chain this is; no foreign key, because the trail outlives what it tells of.';
comment on column kernel.audit_records.sequence is 'Place in the chain, from 1, without gaps.';
comment on column kernel.audit_records.occurred_at is 'When it was done, by the server''s clock, to the millisecond, as it was hashed.';
comment on column kernel.audit_records.action is 'Dotted operation, such as agents.agent.create.';
comment on column kernel.audit_records.resource is 'What was acted on, as kind:id.';
comment on column kernel.audit_records.details is 'Flat facts worth keeping; never secrets or people''s texts.';
comment on column kernel.audit_records.actor_kind is 'session: a signed-in person. run: work they started. system: Bulkhead itself.';
comment on column kernel.audit_records.actor_user_id is 'The person; null for the system.';
comment on column kernel.audit_records.actor_via is 'Id of the session or run, or the reason of the system.';
comment on column kernel.audit_records.address is 'Client address as the server trusts it.';
comment on column kernel.audit_records.request_id is 'Request in whose transaction this was written.';
comment on column kernel.audit_records.hash is 'SHA-256 of the hash before (32 zero bytes at first), the sequence (8 bytes, big-endian) and the record''s digest.';

create table kernel.audit_heads (
  tenant_id uuid primary key,
  sequence bigint not null check (sequence > 0),
  hash bytea not null check (octet_length(hash) = 32)
);

comment on table kernel.audit_heads is 'End of each organisation''s chain: serialises appending, and shows when the last records are missing.';
comment on column kernel.audit_heads.tenant_id is 'Organisation.';
comment on column kernel.audit_heads.sequence is 'Sequence of the newest record.';
comment on column kernel.audit_heads.hash is 'Hash of the newest record.';

select kernel.protect_append_only_table('kernel.audit_records');
select kernel.protect_tenant_table('kernel.audit_heads');
revoke delete on kernel.audit_heads from bulkhead_app, bulkhead_system;

-- Sign-ins are recorded in the transactions of the role that keeps accounts, which is bound to no tenant.
create policy auth_appends on kernel.audit_records to bulkhead_auth using (true) with check (true);
create policy auth_appends on kernel.audit_heads to bulkhead_auth using (true) with check (true);
grant select, insert on kernel.audit_records to bulkhead_auth;
grant select, insert, update on kernel.audit_heads to bulkhead_auth;

-- Grants keep the server's roles out; these keep out an owner at a prompt who did not mean it.
create function kernel.refuse_audit_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'the audit trail is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end
$$;
comment on function kernel.refuse_audit_change() is 'Trigger of the append-only tables of the audit trail.';

create function kernel.refuse_audit_head_jump() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if new.tenant_id <> old.tenant_id or new.sequence <> old.sequence + 1 then
    raise exception 'the head of an audit chain moves on by one' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
comment on function kernel.refuse_audit_head_jump() is 'Trigger of kernel.audit_heads.';

create trigger append_only before update or delete on kernel.audit_records
  for each row execute function kernel.refuse_audit_change();
create trigger append_only_whole before truncate on kernel.audit_records
  for each statement execute function kernel.refuse_audit_change();
create trigger append_only before delete on kernel.audit_heads
  for each row execute function kernel.refuse_audit_change();
create trigger append_only_whole before truncate on kernel.audit_heads
  for each statement execute function kernel.refuse_audit_change();
create trigger moves_on_by_one before update on kernel.audit_heads
  for each row execute function kernel.refuse_audit_head_jump();
