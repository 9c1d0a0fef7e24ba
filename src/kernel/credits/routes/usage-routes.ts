/** Routes that sum what was used: bounded in days and in groups, over a range of the index by time. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit } from '#kernel/http';
import { agentChatByPlan, ruleOfPlan } from '#kernel/limits';
import { findNames, readBudgetsOf } from '../budget-rows.ts';
import { creditsContract, type UsageDay, type UsageGroup } from '../contract.ts';

const readLimit: Limit = { name: 'credits.read', max: 300, windowSeconds: 60, by: 'user' };
const maxDays = 366;
const dayMilliseconds = 86_400_000;

interface FigureRow {
  calls: string;
  input_tokens: string;
  cached_input_tokens: string;
  output_tokens: string;
  cost_micros: string;
  unpriced_calls: string;
}

const figureColumns = `count(*) as calls, coalesce(sum(input_tokens), 0) as input_tokens,
  coalesce(sum(cached_input_tokens), 0) as cached_input_tokens, coalesce(sum(output_tokens), 0) as output_tokens,
  coalesce(sum(cost_micros), 0) as cost_micros,
  count(*) filter (where cost_micros is null and input_tokens + output_tokens > 0) as unpriced_calls`;

function toFigures(row: FigureRow) {
  return {
    calls: Number(row.calls),
    inputTokens: Number(row.input_tokens),
    cachedInputTokens: Number(row.cached_input_tokens),
    outputTokens: Number(row.output_tokens),
    costMicros: Number(row.cost_micros),
    unpricedCalls: Number(row.unpriced_calls),
  };
}

interface Range {
  readonly tenantId: string;
  /** Only this person's; null for everybody's. */
  readonly userId: string | null;
  readonly from: string;
  readonly to: string;
}

/**
 * inRange is the condition on calls, with the values of `valuesOf` as $1 to $4. A bare date would be taken for midnight in
 * the time zone of the database.
 */
const inRange = `tenant_id = $1 and created_at >= $2::date::timestamp at time zone 'UTC'
  and created_at < ($3::date + 1)::timestamp at time zone 'UTC'
  and ($4::uuid is null or user_id = $4)`;

function valuesOf({ from, tenantId, to, userId }: Range): unknown[] {
  const days = (Date.parse(to) - Date.parse(from)) / dayMilliseconds + 1;
  if (days < 1 || days > maxDays) {
    const detail = `between 1 and ${maxDays} days, the last included`;
    throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/to', detail }] });
  }
  return [tenantId, from, to, userId];
}

async function sumDays(tx: Tx, range: Range): Promise<UsageDay[]> {
  const rows = await tx.query<FigureRow & { day: string }>({
    text: `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day, ${figureColumns}
      from kernel.model_calls where ${inRange} group by 1 order by 1`,
    values: valuesOf(range),
  });
  return rows.map((row) => ({ day: row.day, ...toFigures(row) }));
}

const groupColumns = {
  model: 'model',
  app: 'app',
  subject: 'subject_id',
  user: 'user_id::text',
  key: 'key_id',
} as const;

async function sumGroups(
  tx: Tx,
  range: Range,
  by: keyof typeof groupColumns,
  limit: number,
): Promise<{ items: Omit<UsageGroup, 'name'>[]; isComplete: boolean }> {
  const rows = await tx.query<FigureRow & { key: string | null }>({
    text: `select ${groupColumns[by]} as key, ${figureColumns} from kernel.model_calls where ${inRange}
      group by 1 order by sum(cost_micros) desc nulls last, sum(input_tokens + output_tokens) desc, 1 limit $5`,
    values: [...valuesOf(range), limit + 1],
  });
  const items = rows.slice(0, limit).map((row) => ({ key: row.key, ...toFigures(row) }));
  return { items, isComplete: rows.length <= limit };
}

export const readUsage = defineRoute(creditsContract, 'GET /usage', {
  id: 'credits.usage.summary',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { principal, services } = ctx;
    const { tenantId, userId } = principal;
    const { config, credits, limits } = services;
    const plan = await credits.planOf(tenantId);
    const hasBudgets = await credits.hasBudgets(tenantId);
    const budgets = hasBudgets
      ? await ctx.tenant(async (tx) => {
          await credits.openAccounts(tx, tenantId, userId);
          return readBudgetsOf(tx, tenantId, userId);
        })
      : [];
    const { max, name, windowSeconds } = limits.ruleOf(ruleOfPlan(agentChatByPlan, plan));
    return {
      plan,
      monthlyCredits: credits.creditsOf(plan),
      currency: config.currency,
      limits: [{ name, max, windowSeconds }],
      budgets,
    };
  },
});

export const readDays = defineRoute(creditsContract, 'GET /usage/days', {
  id: 'credits.usage.days',
  access: { permission: 'credits.usage.read' },
  limit: readLimit,
  async handler(ctx) {
    const range = { ...ctx.query, tenantId: ctx.principal.tenantId, userId: null };
    return { currency: ctx.services.config.currency, items: await ctx.tenant((tx) => sumDays(tx, range)) };
  },
});

export const readOwnDays = defineRoute(creditsContract, 'GET /usage/mine/days', {
  id: 'credits.usage.own-days',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { tenantId, userId } = ctx.principal;
    const range = { ...ctx.query, tenantId, userId };
    return { currency: ctx.services.config.currency, items: await ctx.tenant((tx) => sumDays(tx, range)) };
  },
});

export const readGroups = defineRoute(creditsContract, 'GET /usage/groups', {
  id: 'credits.usage.groups',
  access: { permission: 'credits.usage.read' },
  limit: readLimit,
  async handler(ctx) {
    const { principal, query, services } = ctx;
    const { tenantId } = principal;
    const { isComplete, items } = await ctx.tenant((tx) =>
      sumGroups(tx, { ...query, tenantId, userId: null }, query.by, query.limit),
    );
    const names = await findNames(services.db, tenantId, query.by === 'user' ? items.map(({ key }) => key) : []);
    const named = items.map((item) => ({ ...item, name: names.get(item.key ?? '') ?? null }));
    return { currency: services.config.currency, items: named, isComplete };
  },
});

export const readOwnGroups = defineRoute(creditsContract, 'GET /usage/mine/groups', {
  id: 'credits.usage.own-groups',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { principal, query, services } = ctx;
    const { tenantId, userId } = principal;
    const { isComplete, items } = await ctx.tenant((tx) =>
      sumGroups(tx, { ...query, tenantId, userId }, query.by, query.limit),
    );
    return { currency: services.config.currency, items: items.map((item) => ({ ...item, name: null })), isComplete };
  },
});
