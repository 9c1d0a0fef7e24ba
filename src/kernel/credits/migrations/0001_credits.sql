-- Plans of organisations, budgets, and the ledger that says where every micro-unit of them went.

create table kernel.organization_plans (
  tenant_id uuid primary key,
  plan text not null check (plan in ('free', 'pro', 'enterprise')),
  updated_by uuid,
  updated_at timestamptz not null default now()
);
select kernel.protect_tenant_table('kernel.organization_plans');

comment on table kernel.organization_plans is 'Plan of an organisation, as the server''s operator set it; without a row it has DEFAULT_PLAN.';
comment on column kernel.organization_plans.tenant_id is 'Organisation.';
comment on column kernel.organization_plans.plan is 'free, pro or enterprise.';
comment on column kernel.organization_plans.updated_by is 'Operator who set it; no foreign key, because plans outlive accounts.';
comment on column kernel.organization_plans.updated_at is 'When it was last changed.';

create table kernel.budgets (
  id uuid primary key,
  tenant_id uuid not null,
  scope text not null check (scope in ('plan', 'organisation', 'user', 'subject', 'key')),
  holder text not null check (length(holder) <= 200 and (holder = '') = (scope in ('plan', 'organisation'))),
  unit text not null check (unit in ('cost', 'tokens')),
  period text not null check (period in ('day', 'month')),
  limit_amount bigint not null check (limit_amount between 0 and 1000000000000000),
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (tenant_id, id)
);
create unique index budgets_one_each on kernel.budgets (tenant_id, scope, holder, unit) where ended_at is null;
create index budgets_list on kernel.budgets (tenant_id, id) where ended_at is null;
select kernel.protect_tenant_table('kernel.budgets');

comment on table kernel.budgets is 'What may be used per period, by whom; a period or unit that changes makes a new row.';
comment on column kernel.budgets.id is 'UUIDv7.';
comment on column kernel.budgets.tenant_id is 'Organisation.';
comment on column kernel.budgets.scope is 'plan (monthly credits of the plan), organisation, user, subject (such as an agent) or key (API key).';
comment on column kernel.budgets.holder is 'Id of the user, subject or key; * gives each one such a budget who has none of its own; empty for plan and organisation.';
comment on column kernel.budgets.unit is 'cost: millionths of the installation''s currency (CURRENCY). tokens: tokens read and written.';
comment on column kernel.budgets.period is 'day or month, beginning at midnight UTC.';
comment on column kernel.budgets.limit_amount is 'Hard stop per period, in the unit.';
comment on column kernel.budgets.created_by is 'Person who set it; null for the plan''s. No foreign key, because budgets outlive accounts.';
comment on column kernel.budgets.created_at is 'When it was set; the first period counts what was used before.';
comment on column kernel.budgets.updated_at is 'When the limit was last changed.';
comment on column kernel.budgets.ended_at is 'When it was removed; its accounts and ledger stay.';

create table kernel.budget_accounts (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  budget_id uuid not null,
  holder text not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  granted bigint not null,
  available bigint not null,
  reserved bigint not null default 0 check (reserved >= 0),
  spent bigint not null default 0 check (spent >= 0),
  expired bigint not null default 0,
  alerted_at timestamptz,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, budget_id, holder, period_start),
  foreign key (tenant_id, budget_id) references kernel.budgets (tenant_id, id),
  constraint budget_accounts_add_up check (available + reserved + spent + expired = granted)
);
create index budget_accounts_open on kernel.budget_accounts (period_end) where closed_at is null;
create index budget_accounts_alert on kernel.budget_accounts (tenant_id)
  where alerted_at is null and closed_at is null and granted > 0 and spent * 5 >= granted * 4;
select kernel.protect_tenant_table('kernel.budget_accounts');

comment on table kernel.budget_accounts is 'One holder''s balance under one budget in one period: always the sum of its ledger entries.';
comment on column kernel.budget_accounts.id is 'UUID.';
comment on column kernel.budget_accounts.tenant_id is 'Organisation.';
comment on column kernel.budget_accounts.budget_id is 'Budget.';
comment on column kernel.budget_accounts.holder is 'Whose it is; never *.';
comment on column kernel.budget_accounts.period_start is 'First moment of the period.';
comment on column kernel.budget_accounts.period_end is 'When the next period begins.';
comment on column kernel.budget_accounts.granted is 'What the period allows, in the budget''s unit.';
comment on column kernel.budget_accounts.available is 'What may still be reserved; below zero only by what a provider charged beyond its reservation.';
comment on column kernel.budget_accounts.reserved is 'Held by calls under way.';
comment on column kernel.budget_accounts.spent is 'What calls really used.';
comment on column kernel.budget_accounts.expired is 'What was left when the period ended.';
comment on column kernel.budget_accounts.alerted_at is 'When owners and admins were told that four fifths are used.';
comment on column kernel.budget_accounts.closed_at is 'When what was left expired.';
comment on column kernel.budget_accounts.created_at is 'When it was opened.';

create table kernel.credit_reservations (
  id uuid primary key,
  tenant_id uuid not null,
  user_id uuid,
  app text not null,
  subject_id text,
  key_id text,
  state text not null default 'held' check (state in ('held', 'settled', 'released')),
  lease_until timestamptz not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index credit_reservations_by_tenant on kernel.credit_reservations (tenant_id, id);
create index credit_reservations_leases on kernel.credit_reservations (lease_until) where state = 'held';
create index credit_reservations_ended on kernel.credit_reservations (ended_at) where state <> 'held';
select kernel.protect_tenant_table('kernel.credit_reservations');

comment on table kernel.credit_reservations is 'Model calls under budgets: held while they run, settled with what they used, released when their process died. Kept for a week.';
comment on column kernel.credit_reservations.id is 'UUIDv7.';
comment on column kernel.credit_reservations.tenant_id is 'Organisation.';
comment on column kernel.credit_reservations.user_id is 'Person on whose behalf; null for the organisation''s own work.';
comment on column kernel.credit_reservations.app is 'Application that asked.';
comment on column kernel.credit_reservations.subject_id is 'What it was for, such as an agent''s id.';
comment on column kernel.credit_reservations.key_id is 'API key it came by.';
comment on column kernel.credit_reservations.state is 'held, settled or released; a released one whose process was only slow is settled late.';
comment on column kernel.credit_reservations.lease_until is 'Pushed on by the process that holds it; beyond that it is released.';
comment on column kernel.credit_reservations.created_at is 'When the call began.';
comment on column kernel.credit_reservations.ended_at is 'When it was settled or released.';

create table kernel.credit_ledger (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  account_id uuid not null,
  kind text not null check (kind in ('grant', 'reserve', 'settle', 'release', 'expire')),
  source text not null check (source in ('granted', 'available', 'reserved', 'expired')),
  target text not null check (target in ('granted', 'available', 'reserved', 'spent', 'expired')),
  amount bigint not null check (amount > 0),
  reservation_id uuid,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, account_id) references kernel.budget_accounts (tenant_id, id)
);
create index credit_ledger_list on kernel.credit_ledger (tenant_id, id desc);
create index credit_ledger_by_account on kernel.credit_ledger (tenant_id, account_id, id);
-- The second net under the states of reservations: nothing is ever held, settled or released twice.
create unique index credit_ledger_once on kernel.credit_ledger (tenant_id, reservation_id, account_id, kind, source)
  where reservation_id is not null;
select kernel.protect_append_only_table('kernel.credit_ledger');

comment on table kernel.credit_ledger is 'Double entry: each row moves an amount from one side of an account to another, and none is ever changed.';
comment on column kernel.credit_ledger.id is 'Grows with time.';
comment on column kernel.credit_ledger.tenant_id is 'Organisation.';
comment on column kernel.credit_ledger.account_id is 'Account.';
comment on column kernel.credit_ledger.kind is 'grant, reserve, settle, release or expire.';
comment on column kernel.credit_ledger.source is 'Side that gives.';
comment on column kernel.credit_ledger.target is 'Side that receives.';
comment on column kernel.credit_ledger.amount is 'In the unit of the account''s budget.';
comment on column kernel.credit_ledger.reservation_id is 'Call it belongs to; null for grants, expiry and what was used before the budget was set. No foreign key, because the ledger outlives calls.';
comment on column kernel.credit_ledger.created_at is 'When it was written.';

create function kernel.budget_period_start(p_period text, p_moment timestamptz) returns timestamptz
language sql immutable set search_path = pg_catalog as $$
  select date_trunc(p_period, p_moment at time zone 'UTC') at time zone 'UTC'
$$;
comment on function kernel.budget_period_start(text, timestamptz) is 'First moment of the day or month, in UTC.';

-- Which budgets bind a call, at most one per scope and unit: a holder''s own goes before the one for each.
create function kernel.find_budgets(p_tenant uuid, p_user text, p_subject text, p_key text)
returns table (budget_id uuid, holder text)
language sql stable set search_path = pg_catalog as $$
  select distinct on (b.scope, b.unit) b.id,
    case b.scope when 'user' then p_user when 'subject' then p_subject when 'key' then p_key else '' end
  from kernel.budgets b
  where b.tenant_id = p_tenant and b.ended_at is null and (
    b.scope in ('plan', 'organisation')
    or (b.scope = 'user' and p_user is not null and b.holder in (p_user, '*'))
    or (b.scope = 'subject' and p_subject is not null and b.holder in (p_subject, '*'))
    or (b.scope = 'key' and p_key is not null and b.holder in (p_key, '*')))
  order by b.scope, b.unit, b.holder = '*'
$$;
comment on function kernel.find_budgets(uuid, text, text, text) is 'The budgets that bind a call, each with its holder.';

-- The period that was running when the budget was set counts what had been used in it.
create function kernel.open_budget_account(p_tenant uuid, p_budget uuid, p_holder text, p_at timestamptz) returns uuid
language plpgsql set search_path = pg_catalog as $$
declare
  budget kernel.budgets;
  starts timestamptz;
  account uuid;
  used bigint := 0;
begin
  select * into strict budget from kernel.budgets b where b.tenant_id = p_tenant and b.id = p_budget;
  starts := kernel.budget_period_start(budget.period, p_at);
  select id into account from kernel.budget_accounts a
    where a.tenant_id = p_tenant and a.budget_id = p_budget and a.holder = p_holder and a.period_start = starts;
  if account is not null then return account; end if;
  if budget.created_at > starts then
    select coalesce(sum(case budget.unit when 'cost' then c.cost_micros else c.input_tokens + c.output_tokens end), 0) into used
    from kernel.model_calls c
    where c.tenant_id = p_tenant and c.created_at >= starts and c.created_at < budget.created_at and case budget.scope
      when 'user' then c.user_id::text = p_holder when 'subject' then c.subject_id = p_holder
      when 'key' then c.key_id = p_holder else true end;
  end if;
  insert into kernel.budget_accounts as a (tenant_id, budget_id, holder, period_start, period_end, granted, available, spent)
  values (p_tenant, p_budget, p_holder, starts,
    ((starts at time zone 'UTC') + ('1 ' || budget.period)::interval) at time zone 'UTC',
    budget.limit_amount, budget.limit_amount - used, used)
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
comment on function kernel.open_budget_account(uuid, uuid, text, timestamptz) is 'The account of a budget''s holder for the period of p_at, opened with its grant when there is none.';

-- A limit that was changed changes what the running period grants.
create function kernel.adjust_budget_grant(p_tenant uuid, p_account uuid, p_limit bigint) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  delta bigint;
begin
  select p_limit - granted into delta from kernel.budget_accounts
    where tenant_id = p_tenant and id = p_account and closed_at is null for update;
  if delta is null or delta = 0 then return; end if;
  update kernel.budget_accounts set granted = granted + delta, available = available + delta,
    alerted_at = case when spent * 5 < (granted + delta) * 4 then null else alerted_at end
  where tenant_id = p_tenant and id = p_account;
  insert into kernel.credit_ledger (tenant_id, account_id, kind, source, target, amount)
  values (p_tenant, p_account, 'grant', case when delta > 0 then 'granted' else 'available' end,
    case when delta > 0 then 'available' else 'granted' end, abs(delta));
end
$$;
comment on function kernel.adjust_budget_grant(uuid, uuid, bigint) is 'Raises or lowers what an open account grants.';

/*
 * All or nothing: holds p_cost and p_tokens under every budget that binds the call. Null when none does,
 * {"isHeld": true}, or the first budget that has not enough. Accounts are locked in the order of their ids, as everywhere.
 * A reservation lost in a crash of the server is gone with its ledger entries, so its commit does not wait for the disk.
 */
create function kernel.reserve_credits(p_tenant uuid, p_reservation uuid, p_user uuid, p_app text, p_subject text, p_key text,
  p_cost bigint, p_tokens bigint, p_lease_seconds integer, p_at timestamptz) returns jsonb
language plpgsql set search_path = pg_catalog as $$
declare
  moment timestamptz := coalesce(p_at, clock_timestamp());
  line record;
  accounts uuid[] := '{}';
  amounts bigint[] := '{}';
  bound boolean := false;
begin
  perform set_config('synchronous_commit', 'off', true);
  perform kernel.open_budget_account(p_tenant, f.budget_id, f.holder, moment)
  from kernel.find_budgets(p_tenant, p_user::text, p_subject, p_key) f;
  for line in
    select a.id, a.available, a.granted, a.period_end, b.limit_amount, b.scope, b.unit, b.period, f.holder, b.holder = '*' as is_for_each,
      case b.unit when 'cost' then p_cost else p_tokens end as needed
    from kernel.find_budgets(p_tenant, p_user::text, p_subject, p_key) f
    join kernel.budgets b on b.tenant_id = p_tenant and b.id = f.budget_id
    join kernel.budget_accounts a on a.tenant_id = p_tenant and a.budget_id = f.budget_id and a.holder = f.holder
      and a.period_start = kernel.budget_period_start(b.period, moment)
    order by a.id for update of a
  loop
    bound := true;
    if line.granted <> line.limit_amount then
      perform kernel.adjust_budget_grant(p_tenant, line.id, line.limit_amount);
      line.available := line.available + line.limit_amount - line.granted;
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
comment on function kernel.reserve_credits(uuid, uuid, uuid, text, text, text, bigint, bigint, integer, timestamptz) is
  'Holds the worst case of a call under every budget that binds it, or names the one that has not enough.';

/*
 * Ends reservations of any organisations: what was used moves to spent, the rest back. Ended ones are left alone, except
 * that a call whose lease had run out is settled late, from what is available (or has expired).
 */
create function kernel.end_reservations(p_ids uuid[], p_costs bigint[], p_tokens bigint[], p_state text) returns integer
language plpgsql set search_path = pg_catalog as $$
declare
  ended integer;
begin
  perform from kernel.credit_reservations r where r.id = any(p_ids) order by r.id for update;
  perform from kernel.budget_accounts a where a.id in (
    select l.account_id from kernel.credit_reservations r
    join kernel.credit_ledger l on l.tenant_id = r.tenant_id and l.reservation_id = r.id and l.kind = 'reserve'
    where r.id = any(p_ids)) order by a.id for update;
  with due as (
    select distinct on (r.id) r.id, r.tenant_id, r.state, g.cost, g.tokens
    from kernel.credit_reservations r join unnest(p_ids, p_costs, p_tokens) g(id, cost, tokens) on g.id = r.id
    where r.state = 'held' or (r.state = 'released' and p_state = 'settled')
    order by r.id
  ), lines as (
    select d.id, d.tenant_id, a.id as account_id, case d.state when 'held' then l.amount else 0 end as held, a.closed_at,
      case b.unit when 'cost' then d.cost else d.tokens end as used
    from due d
    join kernel.credit_ledger l on l.tenant_id = d.tenant_id and l.reservation_id = d.id and l.kind = 'reserve'
    join kernel.budget_accounts a on a.tenant_id = d.tenant_id and a.id = l.account_id
    join kernel.budgets b on b.tenant_id = d.tenant_id and b.id = a.budget_id
  ), written as (
    insert into kernel.credit_ledger (tenant_id, account_id, kind, source, target, amount, reservation_id)
    select n.tenant_id, n.account_id, m.kind, m.source, m.target, m.amount, n.id
    from lines n cross join lateral (values
      ('settle', 'reserved', 'spent', least(n.used, n.held)),
      ('release', 'reserved', 'available', greatest(n.held - n.used, 0)),
      ('settle', case when n.closed_at is null then 'available' else 'expired' end, 'spent', greatest(n.used - n.held, 0))
    ) m(kind, source, target, amount)
    where m.amount > 0
    returning tenant_id, account_id, source, target, amount
  ), moved as (
    select tenant_id, account_id, sum(amount) filter (where source = 'reserved') as unreserved,
      sum(amount) filter (where target = 'spent') as spent,
      coalesce(sum(amount) filter (where target = 'available'), 0) - coalesce(sum(amount) filter (where source = 'available'), 0) as available,
      sum(amount) filter (where source = 'expired') as unexpired
    from written group by 1, 2
  ), accounts as (
    update kernel.budget_accounts a set reserved = a.reserved - coalesce(m.unreserved, 0), spent = a.spent + coalesce(m.spent, 0),
      available = a.available + m.available, expired = a.expired - coalesce(m.unexpired, 0)
    from moved m where a.tenant_id = m.tenant_id and a.id = m.account_id
  ), reservations as (
    update kernel.credit_reservations r set state = p_state, ended_at = clock_timestamp() from due d where r.id = d.id returning r.id
  )
  select count(*) into ended from reservations;
  return ended;
end
$$;
comment on function kernel.end_reservations(uuid[], bigint[], bigint[], text) is 'Settles calls with what they used, or releases those whose process is gone; never twice.';

create function kernel.sweep_credits(p_at timestamptz) returns integer
language plpgsql set search_path = pg_catalog as $$
declare
  moment timestamptz := coalesce(p_at, clock_timestamp());
  dead uuid[];
  closed uuid[];
begin
  select coalesce(array_agg(d.id), '{}') into dead from (
    select r.id from kernel.credit_reservations r where r.state = 'held' and r.lease_until < clock_timestamp()
    order by r.id limit 500 for update skip locked) d;
  perform kernel.end_reservations(dead, array_fill(0::bigint, array[cardinality(dead)]), array_fill(0::bigint, array[cardinality(dead)]), 'released');
  select coalesce(array_agg(a.id), '{}') into closed from (
    select id from kernel.budget_accounts where closed_at is null and period_end <= moment and reserved = 0
    order by id limit 500 for update skip locked) a;
  insert into kernel.credit_ledger (tenant_id, account_id, kind, source, target, amount)
  select tenant_id, id, 'expire', 'available', 'expired', available from kernel.budget_accounts where id = any(closed) and available > 0;
  update kernel.budget_accounts set closed_at = moment, expired = expired + greatest(available, 0), available = least(available, 0)
  where id = any(closed);
  delete from kernel.credit_reservations where state <> 'held' and ended_at < clock_timestamp() - interval '7 days';
  return cardinality(dead);
end
$$;
comment on function kernel.sweep_credits(timestamptz) is 'Releases what dead processes held, lets what is left of past periods expire, and forgets calls that ended a week ago.';

revoke execute on function kernel.budget_period_start(text, timestamptz), kernel.find_budgets(uuid, text, text, text),
  kernel.open_budget_account(uuid, uuid, text, timestamptz), kernel.adjust_budget_grant(uuid, uuid, bigint),
  kernel.reserve_credits(uuid, uuid, uuid, text, text, text, bigint, bigint, integer, timestamptz),
  kernel.end_reservations(uuid[], bigint[], bigint[], text), kernel.sweep_credits(timestamptz) from public;
grant execute on function kernel.budget_period_start(text, timestamptz), kernel.find_budgets(uuid, text, text, text),
  kernel.open_budget_account(uuid, uuid, text, timestamptz), kernel.adjust_budget_grant(uuid, uuid, bigint),
  kernel.reserve_credits(uuid, uuid, uuid, text, text, text, bigint, bigint, integer, timestamptz) to bulkhead_app, bulkhead_system;
grant execute on function kernel.end_reservations(uuid[], bigint[], bigint[], text), kernel.sweep_credits(timestamptz) to bulkhead_system;
