/** Owners, admins and whose budget it is learn in time that it runs out: at four fifths, once per limit and period. */
import type { Database, Tx } from '#kernel/db';
import { isId } from '#kernel/ids';
import type { NotificationKind, NotificationService } from '#kernel/notifications';
import { formatAmount, nameBudget, nameBudgetOf, type Budget } from './describe-budget.ts';

interface DueRow extends Omit<Budget, 'isForEach' | 'limit'> {
  id: string;
  tenant_id: string;
  /** Whose it is; never `*`. */
  holder: string;
  is_for_each: boolean;
  granted: string;
  spent: string;
  period_end: Date;
}

/** creditNotificationKinds is what this module tells people of. */
export const creditNotificationKinds: readonly NotificationKind[] = [
  {
    kind: 'credits.budget-alert',
    title: 'A budget runs out',
    description: 'Four fifths of a budget for model calls are used.',
    defaults: { inApp: true, mail: true, push: false },
  },
];

const dueSql = `
  select a.id, a.tenant_id, a.holder, b.scope, b.unit, b.period, b.holder = '*' as is_for_each, a.granted, a.spent, a.period_end
  from kernel.budget_accounts a join kernel.budgets b on b.tenant_id = a.tenant_id and b.id = a.budget_id
  where a.alerted_at is null and a.closed_at is null and a.granted > 0 and a.spent * 5 >= a.granted * 4
    and b.ended_at is null and a.period_end > coalesce($1, now())
  order by a.id limit 100`;

/** readNames finds what people call the persons and API keys whose budgets these are, by id. */
function readNames(db: Database, due: readonly DueRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = due.map(({ holder }) => holder).filter((holder) => isId(holder));
  if (ids.length === 0) return Promise.resolve(new Map());
  return db.withAuth(async (tx) => {
    const rows = await tx.query<{ id: string; name: string }>({
      text: `select id, name from auth.users where id = any($1) union all select id, name from auth.api_keys where id = any($1)`,
      values: [ids],
    });
    return new Map(rows.map(({ id, name }) => [id, name]));
  });
}

interface Telling {
  readonly currency: string;
  readonly names: ReadonlyMap<string, string>;
  readonly notifications: Pick<NotificationService, 'notify'>;
}

async function tell(tx: Tx, row: DueRow, { currency, names, notifications }: Telling): Promise<void> {
  const people = await tx.query<{ user_id: string }>({
    text: `select user_id from auth.members
      where tenant_id = $1 and (role in ('owner', 'admin') or ($2 = 'user' and user_id::text = $3)) order by user_id`,
    values: [row.tenant_id, row.scope, row.holder],
  });
  const spent = Number(row.spent);
  const limit = Number(row.granted);
  const budget = { ...row, isForEach: row.is_for_each, limit };
  const used =
    `is used by ${Math.floor((spent * 100) / limit)} %: ${formatAmount(spent, row.unit, currency)}. ` +
    `Model calls stop when it is used up; it renews on ${row.period_end.toISOString().slice(0, 10)}.`;
  for (const { user_id: userId } of people) {
    const isTheirs = row.scope === 'user' && row.holder === userId;
    const name = isTheirs ? nameBudget(budget, currency) : nameBudgetOf(budget, names.get(row.holder), currency);
    await notifications.notify(tx, {
      tenantId: row.tenant_id,
      userId,
      kind: 'credits.budget-alert',
      title: 'A budget for model calls runs out',
      text: `${name} ${used}`,
      link: '/settings/usage',
      ...(row.scope === 'user' && !isTheirs ? { aboutUserId: row.holder } : {}),
    });
  }
}

/**
 * alertBudgets marks and notifies in one transaction, so that an alert is neither lost nor given twice. `at` is the time
 * that periods are told by; the database's by default.
 */
export async function alertBudgets(
  db: Database,
  currency: string,
  notifications: Pick<NotificationService, 'notify'>,
  at: Date | null = null,
): Promise<void> {
  const due = await db.withSystem('look for alerts of budgets', (tx) =>
    tx.query<DueRow>({ name: 'credits-alerts-due', text: dueSql, values: [at] }),
  );
  if (due.length === 0) return;
  const names = await readNames(db, due);
  await db.withSystem('alert budgets', async (tx) => {
    const rows = await tx.query<DueRow>({ text: `${dueSql} for update of a skip locked`, values: [at] });
    for (const row of rows) await tell(tx, row, { currency, names, notifications });
    await tx.query({
      text: 'update kernel.budget_accounts set alerted_at = now() where id = any($1)',
      values: [rows.map(({ id }) => id)],
    });
  });
}
