/** A person who meets a budget is told whose it is, how much it allows, when it renews, and who can raise it. */
import type { BudgetPeriod, BudgetScope, BudgetUnit } from './types.ts';

/** formatAmount writes millionths of a currency, or tokens, for people. */
export function formatAmount(amount: number, unit: BudgetUnit, currency: string): string {
  if (unit === 'tokens') return `${new Intl.NumberFormat('en').format(amount)} tokens`;
  return new Intl.NumberFormat('en', { style: 'currency', currency, maximumFractionDigits: 4 }).format(
    amount / 1_000_000,
  );
}

const owners: Readonly<Record<BudgetScope, readonly [own: string, forEach: string]>> = {
  plan: ['The organisation’s plan', 'The organisation’s plan'],
  organisation: ['The organisation’s budget', 'The organisation’s budget'],
  user: ['Your own budget', 'The budget each person has'],
  subject: ['The budget of this agent', 'The budget each agent has'],
  key: ['The budget of this API key', 'The budget each API key has'],
};

export interface Budget {
  readonly scope: BudgetScope;
  readonly unit: BudgetUnit;
  readonly period: BudgetPeriod;
  readonly isForEach: boolean;
  readonly limit: number;
}

/** nameBudget says whose budget it is and what it allows: `The organisation’s budget of $10.00 a month`. */
export function nameBudget({ isForEach, limit, period, scope, unit }: Budget, currency: string): string {
  return `${owners[scope][isForEach ? 1 : 0]} of ${formatAmount(limit, unit, currency)} a ${period}`;
}

/** nameBudgetOf says it to others than its holder: `Ada Lovelace’s budget of $10.00 a month`. */
export function nameBudgetOf(budget: Budget, holderName: string | undefined, currency: string): string {
  const { limit, period, scope, unit } = budget;
  const amount = `of ${formatAmount(limit, unit, currency)} a ${period}`;
  if (scope === 'user') return `${holderName ?? 'A person'}’s budget ${amount}`;
  if (scope === 'key') return `The budget of ${holderName ? `the API key “${holderName}”` : 'an API key'} ${amount}`;
  if (scope === 'subject') return `The budget of an agent ${amount}`;
  return nameBudget(budget, currency);
}

/** ExhaustedBudget is a budget as the database refused a call by it. */
export interface ExhaustedBudget extends Budget {
  readonly available: number;
  readonly needed: number;
  /** ISO 8601, UTC. */
  readonly renewsAt: string;
}

/** explainExhaustion is the sentence of a refusal. */
export function explainExhaustion(budget: ExhaustedBudget, currency: string): string {
  const { available, needed, renewsAt, scope, unit } = budget;
  const left =
    available > 0
      ? `has ${formatAmount(available, unit, currency)} left, and this call may need ${formatAmount(needed, unit, currency)}`
      : 'is used up';
  const day = new Date(renewsAt).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  const whoRaises =
    scope === 'plan'
      ? 'Who runs this server can change the plan.'
      : 'An owner or admin can raise it under Settings, Usage.';
  return `${nameBudget(budget, currency)} ${left}. It renews on ${day}, 00:00 UTC. ${whoRaises}`;
}
