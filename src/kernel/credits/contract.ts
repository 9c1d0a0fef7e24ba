/** The HTTP contract of plans, budgets, usage and the ledger. Amounts are millionths of the currency, or tokens. */
import { z } from 'zod';
import { day, defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

const plan = z.enum(['free', 'pro', 'enterprise']);
const unit = z.enum(['cost', 'tokens']).describe('cost: millionths of the currency');
const period = z.enum(['day', 'month']).describe('Begins at midnight UTC');
const amount = z.int();
const holder = z
  .string()
  .max(200)
  .describe('Id of the person, agent or key; `*` for each one without a budget of their own; empty for all');
const scope = z.enum(['plan', 'organisation', 'user', 'subject', 'key']).describe('subject: such as an agent');

/** balance is an account in its running period. */
const balance = z.strictObject({
  periodStart: timestamp,
  periodEnd: timestamp.describe('When it renews'),
  granted: amount,
  available: amount.describe('Below zero by what a provider charged beyond its reservation'),
  reserved: amount,
  spent: amount,
});

export const budget = z.strictObject({
  id,
  scope,
  holder,
  holderName: z.string().nullable().describe('Name of the person; null for others'),
  unit,
  period,
  limit: amount,
  balance: balance
    .nullable()
    .describe(
      'Null in the list for a budget of each one (`*`), whose balances are per holder; the caller’s own in the summary',
    ),
  createdAt: timestamp,
});

export const newBudget = z
  .strictObject({
    scope: z.enum(['organisation', 'user', 'subject', 'key']),
    holder: holder.default(''),
    unit,
    period: period.default('month'),
    limit: z.int().min(0).max(1_000_000_000_000_000),
  })
  .refine(({ holder: whose, scope: kind }) => (whose === '') === (kind === 'organisation'), {
    path: ['holder'],
    message: 'names whose budget it is, and is empty for the organisation’s',
  });

const figures = {
  calls: z.int(),
  inputTokens: amount,
  cachedInputTokens: amount,
  outputTokens: amount,
  costMicros: amount.describe('What is known of it'),
  unpricedCalls: z.int().describe('Calls whose cost is unknown'),
};

export const usageDay = z.strictObject({ day: z.iso.date(), ...figures });
export const usageGroup = z.strictObject({
  key: z.string().nullable().describe('Model, application, or id of the agent, person or key'),
  name: z.string().nullable().describe('Name of the person; null for others'),
  ...figures,
});

const range = {
  from: day.describe('First day, UTC'),
  to: day.describe('Last day, UTC; at most 366 days'),
};
const rangeQuery = z.strictObject(range);
const groupsOf = <const By extends readonly [string, ...string[]]>(by: By) =>
  z.strictObject({ ...range, by: z.enum(by), limit: z.coerce.number().int().min(1).max(200).default(50) });
const days = z.strictObject({ currency: z.string(), items: z.array(usageDay).max(366) });
const groups = z.strictObject({
  currency: z.string(),
  items: z.array(usageGroup).max(200).describe('Dearest first'),
  isComplete: z.boolean().describe('False when there are more than `limit`'),
});

export const ledgerEntry = z.strictObject({
  id: z.string(),
  budgetId: id,
  scope,
  holder,
  unit,
  periodStart: timestamp,
  kind: z.enum(['grant', 'reserve', 'settle', 'release', 'expire']),
  source: z.string(),
  target: z.string(),
  amount,
  reservationId: id.nullable(),
  createdAt: timestamp,
});

const planOfOrganisation = z.strictObject({ plan });
const organisationParams = z.strictObject({ organisationId: id });

export const creditsContract = defineContract({
  'GET /usage': {
    summary: 'Read the organisation’s plan and the budgets that bind the caller',
    response: z.strictObject({
      plan,
      monthlyCredits: amount.nullable().describe('Null without a ceiling'),
      currency: z.string().describe('ISO 4217'),
      limits: z
        .array(z.strictObject({ name: z.string(), max: z.int(), windowSeconds: z.int() }))
        .describe('How often the organisation may ask, by its plan'),
      budgets: z.array(budget.omit({ holderName: true })),
    }),
  },
  'GET /usage/days': { summary: 'Sum the organisation’s use by day', query: rangeQuery, response: days },
  'GET /usage/groups': {
    summary: 'Sum the organisation’s use by model, application, agent, person or key',
    query: groupsOf(['model', 'app', 'subject', 'user', 'key']),
    response: groups,
  },
  'GET /usage/mine/days': { summary: 'Sum the caller’s own use by day', query: rangeQuery, response: days },
  'GET /usage/mine/groups': {
    summary: 'Sum the caller’s own use by model, application or agent',
    query: groupsOf(['model', 'app', 'subject']),
    response: groups,
  },
  'GET /budgets': { summary: 'List budgets with their balances', query: pageQuery, response: page(budget) },
  'PUT /budgets': {
    summary: 'Set a budget: one per holder and unit; another period begins it anew',
    body: newBudget,
    response: budget,
  },
  'DELETE /budgets/{budgetId}': {
    summary: 'Remove a budget; its ledger stays',
    params: z.strictObject({ budgetId: id }),
    status: 204,
  },
  'GET /credit-ledger': {
    summary: 'List entries of the ledger, newest first',
    query: pageQuery,
    response: page(ledgerEntry),
  },
  'GET /admin/organisations/{organisationId}/plan': {
    summary: 'Read an organisation’s plan',
    params: organisationParams,
    response: planOfOrganisation,
  },
  'PUT /admin/organisations/{organisationId}/plan': {
    summary: 'Set an organisation’s plan',
    params: organisationParams,
    body: planOfOrganisation,
    response: planOfOrganisation,
  },
});

export type Budget = z.output<typeof budget>;
export type NewBudget = z.output<typeof newBudget>;
export type UsageDay = z.output<typeof usageDay>;
export type UsageGroup = z.output<typeof usageGroup>;
export type LedgerEntry = z.output<typeof ledgerEntry>;
