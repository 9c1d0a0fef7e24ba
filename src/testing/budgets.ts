/** A test sets budgets and looks at balances and the ledger behind them. */
import type { Database, TenantScope } from '#kernel/db';
import { newId } from '#kernel/ids';

export interface TestBudget {
  readonly scope: 'organisation' | 'user' | 'subject' | 'key';
  readonly holder?: string;
  readonly unit?: 'cost' | 'tokens';
  readonly period?: 'day' | 'month';
  readonly limit: number;
}

/** setBudget writes a budget that was set long ago and returns its id. */
export async function setBudget(db: Database, { tenantId }: TenantScope, budget: TestBudget): Promise<string> {
  const id = newId();
  const { holder = '', limit, period = 'month', scope, unit = 'cost' } = budget;
  await db.withTenant({ tenantId }, async (tx) => {
    await tx.query({
      text: `insert into kernel.budgets (id, tenant_id, scope, holder, unit, period, limit_amount, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, '2020-01-01')`,
      values: [id, tenantId, scope, holder, unit, period, limit],
    });
    await tx.query({ text: 'select pg_notify($1, $2)', values: ['credits_changed', tenantId] });
  });
  return id;
}

/** Balance is an account as it is kept, and as its ledger says it should be. */
export interface Balance {
  readonly scope: string;
  readonly unit: string;
  readonly holder: string;
  readonly periodStart: string;
  readonly kept: Readonly<Record<'granted' | 'available' | 'reserved' | 'spent' | 'expired', number>>;
  readonly summed: Balance['kept'];
  readonly isClosed: boolean;
}

const balanceSql = `
  select b.scope, b.unit, a.holder, to_char(a.period_start at time zone 'UTC', 'YYYY-MM-DD') as "periodStart",
    a.closed_at is not null as "isClosed",
    json_build_object('granted', a.granted, 'available', a.available, 'reserved', a.reserved, 'spent', a.spent, 'expired', a.expired) as kept,
    (select json_build_object(
      'granted', coalesce(sum(amount) filter (where source = 'granted'), 0) - coalesce(sum(amount) filter (where target = 'granted'), 0),
      'available', coalesce(sum(amount) filter (where target = 'available'), 0) - coalesce(sum(amount) filter (where source = 'available'), 0),
      'reserved', coalesce(sum(amount) filter (where target = 'reserved'), 0) - coalesce(sum(amount) filter (where source = 'reserved'), 0),
      'spent', coalesce(sum(amount) filter (where target = 'spent'), 0),
      'expired', coalesce(sum(amount) filter (where target = 'expired'), 0) - coalesce(sum(amount) filter (where source = 'expired'), 0))
     from kernel.credit_ledger l where l.tenant_id = a.tenant_id and l.account_id = a.id) as summed
  from kernel.budget_accounts a join kernel.budgets b on b.tenant_id = a.tenant_id and b.id = a.budget_id
  where a.tenant_id = $1 order by a.period_start, b.scope, b.unit, a.holder`;

/** readBalances reads every account of an organisation. */
export function readBalances(db: Database, { tenantId }: TenantScope): Promise<Balance[]> {
  return db.withTenant({ tenantId }, (tx) => tx.query<Balance>({ text: balanceSql, values: [tenantId] }));
}

/** countHeld says how many reservations of an organisation are held. */
export async function countHeld(db: Database, { tenantId }: TenantScope): Promise<number> {
  const [row] = await db.withTenant({ tenantId }, (tx) =>
    tx.query<{ held: string }>({
      text: `select count(*) as held from kernel.credit_reservations where tenant_id = $1 and state = 'held'`,
      values: [tenantId],
    }),
  );
  return Number(row?.held);
}
