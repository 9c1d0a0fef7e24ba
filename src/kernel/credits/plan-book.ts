/** What each organisation's plan is and whether it has budgets is read seldom and forgotten at once when it changes. */
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { monthlyCredits, type PlanConfig } from './plans.ts';
import type { Plan } from './types.ts';

/** changesChannel tells every process whose plan or budgets changed; the payload is the organisation's id. */
export const changesChannel = 'credits_changed';
/** A change is announced at once; this is for an announcement lost with its connection. */
const maxAgeMilliseconds = 10_000;
const maxEntries = 50_000;

/** PlanEntry is what is remembered of an organisation. */
export interface PlanEntry {
  readonly plan: Plan;
  readonly hasBudgets: boolean;
}

interface Row {
  plan: Plan | null;
  budgets: string;
  plan_credits: string | null;
}

export interface PlanBook {
  find(tenantId: string): Promise<PlanEntry>;
  forget(tenantId: string): void;
  close(): Promise<void>;
}

async function read(db: Database, config: PlanConfig, tenantId: string): Promise<PlanEntry> {
  return db.withTenant({ tenantId }, async (tx) => {
    const [row] = await tx.query<Row>({
      name: 'credits-read-plan',
      text: `select (select plan from kernel.organization_plans where tenant_id = $1) as plan,
          count(*) filter (where scope <> 'plan') as budgets, max(limit_amount) filter (where scope = 'plan') as plan_credits
        from kernel.budgets where tenant_id = $1 and ended_at is null`,
      values: [tenantId],
    });
    const plan = row?.plan ?? config.defaultPlan;
    const credits = monthlyCredits(plan, config);
    const known = row?.plan_credits == null ? null : Number(row.plan_credits);
    if (credits === null && known !== null) {
      await tx.query({
        text: `update kernel.budgets set ended_at = now() where tenant_id = $1 and scope = 'plan' and ended_at is null`,
        values: [tenantId],
      });
    }
    if (credits !== null && credits !== known) {
      await tx.query({
        text: `insert into kernel.budgets (id, tenant_id, scope, holder, unit, period, limit_amount)
          values ($1, $2, 'plan', '', 'cost', 'month', $3)
          on conflict (tenant_id, scope, holder, unit) where ended_at is null
          do update set limit_amount = excluded.limit_amount, updated_at = now()`,
        values: [newId(), tenantId, credits],
      });
    }
    return { plan, hasBudgets: credits !== null || Number(row?.budgets ?? 0) > 0 };
  });
}

/** createPlanBook reads an organisation at most once in ten seconds; a failed read is not kept. */
export function createPlanBook(db: Database, config: PlanConfig, log: Logger): PlanBook {
  const entries = new Map<string, { readonly entry: Promise<PlanEntry>; readonly readAt: number }>();
  const listening = db
    .listen(changesChannel, (tenantId) => entries.delete(tenantId))
    .catch((error: unknown) => {
      log.warn({ err: error }, 'changes of plans and budgets are noticed after ten seconds only');
      return () => undefined;
    });
  return {
    find(tenantId) {
      const known = entries.get(tenantId);
      if (known && performance.now() - known.readAt < maxAgeMilliseconds) return known.entry;
      if (entries.size >= maxEntries) entries.clear();
      const entry = read(db, config, tenantId);
      const kept = { entry, readAt: performance.now() };
      entries.set(tenantId, kept);
      entry.catch(() => {
        if (entries.get(tenantId) === kept) entries.delete(tenantId);
      });
      return entry;
    },
    forget: (tenantId) => void entries.delete(tenantId),
    async close() {
      (await listening)();
      entries.clear();
    },
  };
}
