/** No model call begins that a budget might not cover, and what it really cost is in the ledger once, however it ended. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Services } from '#kernel/app';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { alertBudgets } from './alert-budgets.ts';
import { explainExhaustion, type ExhaustedBudget } from './describe-budget.ts';
import { creditErrors } from './errors.ts';
import { createLeases } from './leases.ts';
import { changesChannel, createPlanBook } from './plan-book.ts';
import { monthlyCredits, type PlanConfig } from './plans.ts';
import type { Credits, WorstCase } from './types.ts';

export interface CreditsOptions {
  readonly db: Database;
  readonly config: PlanConfig;
  readonly log: Logger;
  /** Where alerts go, once the services are composed. */
  readonly services?: () => Pick<Services, 'notifications'>;
  /** The time that periods are told by; the database's by default. */
  readonly now?: () => Date;
  /** How long a reservation outlives its process. Default 30. */
  readonly leaseSeconds?: number;
}

type Outcome = { readonly isHeld: true } | ({ readonly isHeld: false } & ExhaustedBudget) | null;

const reserveSql = `select kernel.reserve_credits($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as outcome`;

function exhaustedError(budget: ExhaustedBudget, currency: string): Error {
  const { available, limit, needed, period, renewsAt, scope, unit } = budget;
  return creditErrors.BUDGET_EXHAUSTED({
    detail: explainExhaustion(budget, currency),
    extensions: { budget: { scope, unit, period, limit, available, needed, currency, renewsAt } },
  });
}

/** createCredits makes the service. Close it after the model gateway, which settles its last calls. */
export function createCredits(options: CreditsOptions): Credits {
  const { config, db, leaseSeconds = 30, log, now, services } = options;
  const book = createPlanBook(db, config, log);
  const leases = createLeases(db, log, leaseSeconds);
  // A reservation, and what is remembered for all, are transactions of their own, whatever the caller has open.
  const outsideCaller = AsyncLocalStorage.snapshot();

  const find = (tenantId: string) => outsideCaller(() => book.find(tenantId));

  async function tryReserve(id: string, call: WorstCase): Promise<Outcome> {
    const { app, costMicros, keyId, scope, subjectId, tokens } = call;
    const values = [scope.tenantId, id, scope.userId ?? null, app, subjectId ?? null, keyId ?? null];
    const [row] = await outsideCaller(() =>
      db.withTenant(scope, (tx) =>
        tx.last<{ outcome: Outcome }>({
          name: 'credits-reserve',
          text: reserveSql,
          values: [...values, costMicros, tokens, leaseSeconds, now?.() ?? null],
        }),
      ),
    );
    return row?.outcome ?? null;
  }

  async function sweep(): Promise<void> {
    await outsideCaller(() =>
      db.withSystem('sweep credits', (tx) =>
        tx.last({ text: 'select kernel.sweep_credits($1)', values: [now?.() ?? null] }),
      ),
    );
  }

  async function reserve(call: WorstCase): Promise<string | null> {
    if (!(await find(call.scope.tenantId)).hasBudgets) return null;
    const id = newId();
    let outcome = await tryReserve(id, call);
    if (outcome && !outcome.isHeld && outcome.available < outcome.limit) {
      // What dead processes still hold must not refuse the living.
      await sweep();
      outcome = await tryReserve(id, call);
    }
    if (outcome === null) return null;
    if (!outcome.isHeld) throw exhaustedError(outcome, config.currency);
    leases.hold(id);
    return id;
  }

  return {
    async planOf(tenantId) {
      return find(tenantId).then(
        ({ plan }) => plan,
        () => config.defaultPlan,
      );
    },
    creditsOf: (plan) => monthlyCredits(plan, config),
    hasBudgets: async (tenantId) => (await find(tenantId)).hasBudgets,
    reserve,
    end: (reservationId) => leases.end(reservationId),
    async settle(tx, settlements) {
      if (settlements.length === 0) return false;
      const [row] = await tx.query<{ is_booked: boolean }>({
        name: 'credits-settle',
        text: 'select kernel.settle_calls($1, $2, $3, $4) as is_booked',
        values: [
          settlements.map(({ callId }) => callId),
          settlements.map(({ reservationId }) => reservationId),
          settlements.map(({ costMicros }) => costMicros),
          settlements.map(({ tokens }) => tokens),
        ],
      });
      return row?.is_booked ?? false;
    },
    async alert() {
      if (services) await alertBudgets(db, config.currency, services().notifications, now?.() ?? null);
    },
    sweep,
    async openAccounts(tx, tenantId, userId) {
      const at = now?.() ?? null;
      await tx.query({
        text: `select kernel.open_budget_account(tenant_id, id, holder, coalesce($2, now())) from kernel.budgets
          where tenant_id = $1 and ended_at is null and holder <> '*' order by scope, unit, holder`,
        values: [tenantId, at],
      });
      if (userId !== undefined) {
        await tx.query({
          text: `select kernel.open_budget_account($1, f.budget_id, f.holder, coalesce($3, now()))
            from kernel.find_budgets($1, $2, null, null) f`,
          values: [tenantId, userId, at],
        });
      }
      // A plan's credits change without its accounts, which the next call would bring up to date.
      await tx.query({
        text: `select kernel.adjust_budget_grant(a.tenant_id, a.id, b.limit_amount)
          from kernel.budget_accounts a join kernel.budgets b on b.tenant_id = a.tenant_id and b.id = a.budget_id
          where a.tenant_id = $1 and b.ended_at is null and a.closed_at is null and a.granted <> b.limit_amount
            and a.period_end > coalesce($2, now()) order by a.id`,
        values: [tenantId, at],
      });
    },
    async announceChange(tx, tenantId) {
      book.forget(tenantId);
      await tx.query({ text: 'select pg_notify($1, $2)', values: [changesChannel, tenantId] });
    },
    async close() {
      leases.close();
      await book.close();
    },
  };
}
