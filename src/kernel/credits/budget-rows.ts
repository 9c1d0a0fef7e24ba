/** Rows of budgets and their balances as the API shows them. */
import type { Database, Tx } from '#kernel/db';
import type { Budget } from './contract.ts';
import type { BudgetPeriod, BudgetScope, BudgetUnit } from './types.ts';

export interface BudgetRow {
  readonly id: string;
  readonly scope: BudgetScope;
  readonly holder: string;
  readonly unit: BudgetUnit;
  readonly period: BudgetPeriod;
  readonly limit_amount: string;
  readonly created_at: Date;
  readonly period_start: Date | null;
  readonly period_end: Date | null;
  readonly granted: string | null;
  readonly available: string | null;
  readonly reserved: string | null;
  readonly spent: string | null;
}

const columns = `b.id, b.scope, b.holder, b.unit, b.period, b.limit_amount, b.created_at, a.period_start, a.period_end,
    a.granted, a.available, a.reserved, a.spent`;

/** budgetSelect joins each budget `b` of organisation $1 with its holder's account of now. */
export const budgetSelect = `
  select ${columns}
  from kernel.budgets b
  left join kernel.budget_accounts a on a.tenant_id = b.tenant_id and a.budget_id = b.id and a.holder = b.holder
    and a.period_start = kernel.budget_period_start(b.period, now())
  where b.tenant_id = $1 and b.ended_at is null`;

type BareBudget = Omit<Budget, 'holderName'>;

export function toBudget(row: BudgetRow): BareBudget {
  const { available, granted, period_end: end, period_start: start, reserved, spent } = row;
  return {
    id: row.id,
    scope: row.scope,
    holder: row.holder,
    unit: row.unit,
    period: row.period,
    limit: Number(row.limit_amount),
    balance:
      start && end
        ? {
            periodStart: start.toISOString(),
            periodEnd: end.toISOString(),
            granted: Number(granted),
            available: Number(available),
            reserved: Number(reserved),
            spent: Number(spent),
          }
        : null,
    createdAt: row.created_at.toISOString(),
  };
}

/** findNames returns the names of members of an organisation, by id; a person who left has none. */
export async function findNames(
  db: Database,
  tenantId: string,
  userIds: readonly (string | null)[],
): Promise<ReadonlyMap<string, string>> {
  const ids = userIds.filter((id) => id !== null && id !== '*' && id !== '');
  if (ids.length === 0) return new Map();
  const rows = await db.withAuth((tx) =>
    tx.query<{ id: string; name: string }>({
      text: `select u.id, u.name from auth.users u join auth.members m on m.user_id = u.id
        where m.tenant_id = $1 and u.id = any($2)`,
      values: [tenantId, ids],
    }),
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** readBudgets reads budgets that `condition`, on `b` and $2, picks. */
export async function readBudgets(tx: Tx, tenantId: string, condition: string, value: unknown): Promise<BareBudget[]> {
  const rows = await tx.query<BudgetRow>({
    text: `${budgetSelect} and ${condition} order by b.scope, b.unit, b.holder`,
    values: [tenantId, value],
  });
  return rows.map(toBudget);
}

/** readBudgetsOf reads what binds a person's calls, each with that person's balance, also where everybody has the same. */
export async function readBudgetsOf(tx: Tx, tenantId: string, userId: string): Promise<BareBudget[]> {
  const rows = await tx.query<BudgetRow>({
    text: `select ${columns}
      from kernel.find_budgets($1, $2, null, null) f
      join kernel.budgets b on b.tenant_id = $1 and b.id = f.budget_id
      left join kernel.budget_accounts a on a.tenant_id = $1 and a.budget_id = f.budget_id and a.holder = f.holder
        and a.period_start = kernel.budget_period_start(b.period, now())
      order by b.scope, b.unit`,
    values: [tenantId, userId],
  });
  return rows.map(toBudget);
}
