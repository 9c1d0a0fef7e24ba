-- Whose own budget was removed comes under the one for each in the middle of its period: what they had used counts there, too.

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
  if budget.created_at > starts
    or budget.holder = '*' and exists (
      select from kernel.budgets own where own.tenant_id = p_tenant and own.scope = budget.scope and own.unit = budget.unit
        and own.holder = p_holder and own.ended_at > starts)
  then
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
