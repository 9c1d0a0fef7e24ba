/** Routes by which owners and admins set budgets and look into the ledger. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type SignedInContext } from '#kernel/http';
import { isId, newId } from '#kernel/ids';
import { budgetSelect, findNames, readBudgets, toBudget, type BudgetRow } from '../budget-rows.ts';
import { creditsContract, type LedgerEntry, type NewBudget } from '../contract.ts';
import { creditErrors } from '../errors.ts';

const readLimit: Limit = { name: 'credits.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'credits.settings', max: 60, windowSeconds: 3_600, by: 'user' };
const read = { permission: 'credits.budget.read' };
const write = { permission: 'credits.budget.write' };

export const listBudgets = defineRoute(creditsContract, 'GET /budgets', {
  id: 'credits.budget.list',
  access: read,
  limit: readLimit,
  async handler(ctx) {
    const { principal, query, services } = ctx;
    const { tenantId } = principal;
    await services.credits.hasBudgets(tenantId);
    const rows = await ctx.tenant(async (tx) => {
      await services.credits.openAccounts(tx, tenantId);
      return tx.query<BudgetRow>({
        text: `${budgetSelect} and ($2::uuid is null or b.id < $2) order by b.id desc limit $3`,
        values: [tenantId, readIdCursor(query.cursor), query.limit + 1],
      });
    });
    const people = rows.filter(({ scope }) => scope === 'user').map(({ holder }) => holder);
    const names = await findNames(services.db, tenantId, people);
    return toIdPage(rows, query.limit, (row) => ({ ...toBudget(row), holderName: names.get(row.holder) ?? null }));
  },
});

async function assertHolder({ principal, services }: SignedInContext, { holder, scope }: NewBudget): Promise<void> {
  if (scope !== 'user' || holder === '*') return;
  const names = isId(holder) ? await findNames(services.db, principal.tenantId, [holder]) : new Map();
  if (names.has(holder)) return;
  throw creditErrors.BUDGET_HOLDER_UNKNOWN({
    errors: [{ pointer: '/body/holder', detail: 'nobody in this organisation' }],
  });
}

/** storeBudget changes the limit of the budget there is; one of another period ends, and a new one begins. */
async function storeBudget(tx: Tx, tenantId: string, userId: string, budget: NewBudget): Promise<string> {
  const { holder, limit, period, scope, unit } = budget;
  await tx.query({
    text: `update kernel.budgets set ended_at = now()
      where tenant_id = $1 and scope = $2 and holder = $3 and unit = $4 and period <> $5 and ended_at is null`,
    values: [tenantId, scope, holder, unit, period],
  });
  const [row] = await tx.query<{ id: string }>({
    text: `insert into kernel.budgets (id, tenant_id, scope, holder, unit, period, limit_amount, created_by)
      values ($1, $2, $3, $4, $5, $6, $7, $8)
      on conflict (tenant_id, scope, holder, unit) where ended_at is null
      do update set limit_amount = excluded.limit_amount, updated_at = now() returning id`,
    values: [newId(), tenantId, scope, holder, unit, period, limit, userId],
  });
  return row?.id ?? '';
}

export const putBudget = defineRoute(creditsContract, 'PUT /budgets', {
  id: 'credits.budget.update',
  access: write,
  limit: writeLimit,
  errors: ['BUDGET_HOLDER_UNKNOWN'],
  async handler(ctx) {
    const { body, principal, services } = ctx;
    const { tenantId, userId } = principal;
    await assertHolder(ctx as unknown as SignedInContext, body);
    const budget = await ctx.tenant(async (tx) => {
      const id = await storeBudget(tx, tenantId, userId, body);
      await services.credits.openAccounts(tx, tenantId);
      const [stored] = await readBudgets(tx, tenantId, 'b.id = $2', id);
      await services.credits.announceChange(tx, tenantId);
      await ctx.audit(tx, { action: 'credits.budget.update', resource: `budget:${id}`, details: { ...body } });
      return stored;
    });
    if (!budget) throw kernelErrors.CONFLICT();
    const names = await findNames(services.db, tenantId, body.scope === 'user' ? [body.holder] : []);
    return { ...budget, holderName: names.get(body.holder) ?? null };
  },
});

export const deleteBudget = defineRoute(creditsContract, 'DELETE /budgets/{budgetId}', {
  id: 'credits.budget.delete',
  access: write,
  limit: writeLimit,
  async handler(ctx) {
    const { params, principal, services } = ctx;
    await ctx.tenant(async (tx) => {
      const [row] = await tx.query<{ scope: string; holder: string; unit: string }>({
        text: `update kernel.budgets set ended_at = now()
          where tenant_id = $1 and id = $2 and ended_at is null and scope <> 'plan' returning scope, holder, unit`,
        values: [principal.tenantId, params.budgetId],
      });
      if (!row) throw kernelErrors.NOT_FOUND();
      await services.credits.announceChange(tx, principal.tenantId);
      await ctx.audit(tx, {
        action: 'credits.budget.delete',
        resource: `budget:${params.budgetId}`,
        details: { ...row },
      });
    });
  },
});

interface LedgerRow {
  id: string;
  budget_id: string;
  scope: LedgerEntry['scope'];
  holder: string;
  unit: LedgerEntry['unit'];
  period_start: Date;
  kind: LedgerEntry['kind'];
  source: string;
  target: string;
  amount: string;
  reservation_id: string | null;
  created_at: Date;
}

function readNumberCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [number] = decodeCursor(cursor) ?? [];
  if (typeof number === 'string' && /^\d{1,18}$/.test(number)) return number;
  throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/cursor', detail: 'not a cursor of this list' }] });
}

export const listLedger = defineRoute(creditsContract, 'GET /credit-ledger', {
  id: 'credits.ledger.list',
  access: read,
  limit: readLimit,
  async handler(ctx) {
    const { principal, query } = ctx;
    const rows = await ctx.tenant((tx) =>
      tx.query<LedgerRow>({
        text: `select l.id, a.budget_id, b.scope, a.holder, b.unit, a.period_start, l.kind, l.source, l.target, l.amount,
            l.reservation_id, l.created_at
          from kernel.credit_ledger l
          join kernel.budget_accounts a on a.tenant_id = l.tenant_id and a.id = l.account_id
          join kernel.budgets b on b.tenant_id = a.tenant_id and b.id = a.budget_id
          where l.tenant_id = $1 and ($2::bigint is null or l.id < $2) order by l.id desc limit $3`,
        values: [principal.tenantId, readNumberCursor(query.cursor), query.limit + 1],
      }),
    );
    const items = rows.slice(0, query.limit).map(({ amount, budget_id: budgetId, ...row }) => ({
      id: row.id,
      budgetId,
      scope: row.scope,
      holder: row.holder,
      unit: row.unit,
      periodStart: row.period_start.toISOString(),
      kind: row.kind,
      source: row.source,
      target: row.target,
      amount: Number(amount),
      reservationId: row.reservation_id,
      createdAt: row.created_at.toISOString(),
    }));
    const last = items.at(-1);
    return { items, nextCursor: rows.length > query.limit && last ? encodeCursor([last.id]) : null };
  },
});
