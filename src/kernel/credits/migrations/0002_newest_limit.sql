-- A call that waited for an account judges it by the limit of now, not by that of when it began to wait.

create or replace function kernel.reserve_credits(p_tenant uuid, p_reservation uuid, p_user uuid, p_app text, p_subject text, p_key text,
  p_cost bigint, p_tokens bigint, p_lease_seconds integer, p_at timestamptz) returns jsonb
language plpgsql set search_path = pg_catalog as $$
declare
  moment timestamptz := coalesce(p_at, clock_timestamp());
  line record;
  accounts uuid[] := '{}';
  amounts bigint[] := '{}';
  bound boolean := false;
  newest bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  perform kernel.open_budget_account(p_tenant, f.budget_id, f.holder, moment)
  from kernel.find_budgets(p_tenant, p_user::text, p_subject, p_key) f;
  for line in
    select a.id, a.budget_id, a.available, a.granted, a.period_end, b.limit_amount, b.scope, b.unit, b.period, f.holder, b.holder = '*' as is_for_each,
      case b.unit when 'cost' then p_cost else p_tokens end as needed
    from kernel.find_budgets(p_tenant, p_user::text, p_subject, p_key) f
    join kernel.budgets b on b.tenant_id = p_tenant and b.id = f.budget_id
    join kernel.budget_accounts a on a.tenant_id = p_tenant and a.budget_id = f.budget_id and a.holder = f.holder
      and a.period_start = kernel.budget_period_start(b.period, moment)
    order by a.id for update of a
  loop
    bound := true;
    if line.granted <> line.limit_amount then
      -- The row of the account may be younger than the snapshot: a limit lowered while this call waited must not come back.
      select b.limit_amount into newest from kernel.budgets b where b.tenant_id = p_tenant and b.id = line.budget_id;
      perform kernel.adjust_budget_grant(p_tenant, line.id, newest);
      line.available := line.available + newest - line.granted;
      line.limit_amount := newest;
    end if;
    if line.needed > line.available then
      return jsonb_build_object('isHeld', false, 'scope', line.scope, 'unit', line.unit, 'period', line.period, 'isForEach', line.is_for_each,
        'limit', line.limit_amount, 'available', line.available, 'needed', line.needed,
        'renewsAt', to_char(line.period_end at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
    end if;
    if line.needed > 0 then
      accounts := accounts || line.id;
      amounts := amounts || line.needed;
    end if;
  end loop;
  if not bound then return null; end if;
  insert into kernel.credit_reservations (id, tenant_id, user_id, app, subject_id, key_id, lease_until)
  values (p_reservation, p_tenant, p_user, p_app, p_subject, p_key, clock_timestamp() + make_interval(secs => p_lease_seconds));
  update kernel.budget_accounts a set available = a.available - u.amount, reserved = a.reserved + u.amount
  from unnest(accounts, amounts) u(id, amount) where a.tenant_id = p_tenant and a.id = u.id;
  insert into kernel.credit_ledger (tenant_id, account_id, kind, source, target, amount, reservation_id)
  select p_tenant, u.id, 'reserve', 'available', 'reserved', u.amount, p_reservation from unnest(accounts, amounts) u(id, amount);
  return jsonb_build_object('isHeld', true);
end
$$;
