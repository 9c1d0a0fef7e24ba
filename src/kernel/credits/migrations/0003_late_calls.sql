-- A budget counts every call of its first period: also one that ran, or was still to be written down, when it was set.

create or replace function kernel.open_budget_account(p_tenant uuid, p_budget uuid, p_holder text, p_at timestamptz) returns uuid
language plpgsql set search_path = pg_catalog as $$
declare
  budget kernel.budgets;
  starts timestamptz;
  ends timestamptz;
  account uuid;
  used bigint := 0;
begin
  select * into strict budget from kernel.budgets b where b.tenant_id = p_tenant and b.id = p_budget;
  starts := kernel.budget_period_start(budget.period, p_at);
  ends := ((starts at time zone 'UTC') + ('1 ' || budget.period)::interval) at time zone 'UTC';
  select id into account from kernel.budget_accounts a
    where a.tenant_id = p_tenant and a.budget_id = p_budget and a.holder = p_holder and a.period_start = starts;
  if account is not null then return account; end if;
  if budget.created_at > starts then
    -- Until this account is there, no call of the organisation is written down: one not seen here finds it (settle_calls).
    perform pg_advisory_xact_lock(hashtextextended('bulkhead calls of ' || p_tenant, 0));
    select coalesce(sum(case budget.unit when 'cost' then c.cost_micros else c.input_tokens + c.output_tokens end), 0) into used
    from kernel.model_calls c
    where c.tenant_id = p_tenant and c.created_at >= starts and c.created_at < ends and c.connection_id is not null and case budget.scope
      when 'user' then c.user_id::text = p_holder when 'subject' then c.subject_id = p_holder
      when 'key' then c.key_id = p_holder else true end;
  end if;
  insert into kernel.budget_accounts as a (tenant_id, budget_id, holder, period_start, period_end, granted, available, spent)
  values (p_tenant, p_budget, p_holder, starts, ends, budget.limit_amount, budget.limit_amount - used, used)
  on conflict (tenant_id, budget_id, holder, period_start) do nothing returning a.id into account;
  if account is null then
    select id into account from kernel.budget_accounts a
      where a.tenant_id = p_tenant and a.budget_id = p_budget and a.holder = p_holder and a.period_start = starts;
    return account;
  end if;
  insert into kernel.credit_ledger (tenant_id, account_id, kind, source, target, amount)
  select p_tenant, account, m.kind, m.source, m.target, m.amount
  from (values ('grant', 'granted', 'available', budget.limit_amount), ('settle', 'available', 'spent', used)) m(kind, source, target, amount)
  where m.amount > 0;
  return account;
end
$$;

/*
 * Ends calls in the transaction that has written them down: settles what was reserved for them, and books what they used
 * under budgets that bind them without having reserved for them. A call is given once, a reservation may be null. True when
 * anything was booked. The advisory lock comes before those of rows, as in open_budget_account, and so do all rows in their order.
 */
create function kernel.settle_calls(p_calls uuid[], p_reservations uuid[], p_costs bigint[], p_tokens bigint[]) returns boolean
language plpgsql set search_path = pg_catalog as $$
declare
  held uuid[] := array_remove(p_reservations, null);
  unheld jsonb;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('bulkhead calls of ' || t.tenant_id, 0))
  from (select distinct c.tenant_id from kernel.model_calls c where c.id = any(p_calls) order by 1) t;
  select jsonb_agg(jsonb_build_object('tenant_id', u.tenant_id, 'account_id', u.account_id, 'reservation_id', u.reservation_id, 'amount', u.amount))
    into unheld
  from (
    select c.tenant_id, a.id as account_id, g.reservation_id, case b.unit when 'cost' then g.cost else g.tokens end as amount
    from unnest(p_calls, p_reservations, p_costs, p_tokens) g(call_id, reservation_id, cost, tokens)
    join kernel.model_calls c on c.id = g.call_id
    cross join lateral kernel.find_budgets(c.tenant_id, c.user_id::text, c.subject_id, c.key_id) f
    join kernel.budgets b on b.tenant_id = c.tenant_id and b.id = f.budget_id
    join kernel.budget_accounts a on a.tenant_id = c.tenant_id and a.budget_id = f.budget_id and a.holder = f.holder
      and a.period_start = kernel.budget_period_start(b.period, c.created_at)
    where c.connection_id is not null
      and exists (select from kernel.budgets o where o.tenant_id = c.tenant_id and o.ended_at is null)
      and not exists (
        select from kernel.credit_ledger l
        join kernel.budget_accounts h on h.tenant_id = l.tenant_id and h.id = l.account_id and h.budget_id = f.budget_id
        where l.tenant_id = c.tenant_id and l.reservation_id = g.reservation_id and l.kind = 'reserve')
  ) u where u.amount > 0;
  if unheld is null and cardinality(held) = 0 then return false; end if;
  if unheld is not null then
    perform from kernel.credit_reservations r where r.id = any(held) order by r.id for update;
    perform from kernel.budget_accounts a where a.id in (
      select (u ->> 'account_id')::uuid from jsonb_array_elements(unheld) u
      union all
      select l.account_id from kernel.credit_reservations r
      join kernel.credit_ledger l on l.tenant_id = r.tenant_id and l.reservation_id = r.id and l.kind = 'reserve'
      where r.id = any(held)) order by a.id for update;
  end if;
  if cardinality(held) > 0 then
    perform kernel.end_reservations(p_reservations, p_costs, p_tokens, 'settled');
  end if;
  if unheld is not null then
    with written as (
      insert into kernel.credit_ledger (tenant_id, account_id, kind, source, target, amount, reservation_id)
      select u.tenant_id, u.account_id, 'settle', case when a.closed_at is null then 'available' else 'expired' end, 'spent', u.amount, u.reservation_id
      from jsonb_to_recordset(unheld) u(tenant_id uuid, account_id uuid, reservation_id uuid, amount bigint)
      join kernel.budget_accounts a on a.tenant_id = u.tenant_id and a.id = u.account_id
      returning tenant_id, account_id, source, amount
    )
    update kernel.budget_accounts a set spent = a.spent + m.spent, available = a.available - m.available, expired = a.expired - m.expired
    from (
      select tenant_id, account_id, sum(amount) as spent, coalesce(sum(amount) filter (where source = 'available'), 0) as available,
        coalesce(sum(amount) filter (where source = 'expired'), 0) as expired
      from written group by 1, 2
    ) m where a.tenant_id = m.tenant_id and a.id = m.account_id;
  end if;
  return true;
end
$$;
comment on function kernel.settle_calls(uuid[], uuid[], bigint[], bigint[]) is
  'Books what calls used: under the budgets that held for them, and under those that were set while they ran.';

comment on column kernel.credit_ledger.reservation_id is 'Call it belongs to; null for grants, expiry and what was used under no reservation. No foreign key, because the ledger outlives calls.';

revoke execute on function kernel.settle_calls(uuid[], uuid[], bigint[], bigint[]) from public;
grant execute on function kernel.settle_calls(uuid[], uuid[], bigint[], bigint[]) to bulkhead_system;
