-- Acts on accounts and organisations work as another role, which sees no keys. It may confirm the one whose lease it was
-- handed, and learns nothing but whether that lease still stands.
create function kernel.confirm_idempotency_key(key_id uuid, lease uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
  update kernel.idempotency_keys k set state = 'committed'
  where k.id = key_id and k.lease_id = lease and k.state in ('running', 'committed');
  return found;
end
$$;
comment on function kernel.confirm_idempotency_key(uuid, uuid) is
  'Marks, in the transaction of the act, that a key took effect; false when a retry has taken the key over.';
revoke execute on function kernel.confirm_idempotency_key(uuid, uuid) from public;
grant execute on function kernel.confirm_idempotency_key(uuid, uuid) to bulkhead_auth, bulkhead_app;
