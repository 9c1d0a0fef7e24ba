/** How a budget is called wherever it is spoken of: whose it is, and for how long. */
import type { BudgetSummary } from './usage-api.ts';

const names: Record<BudgetSummary['scope'], string> = {
  plan: 'Credits of the plan this month',
  organisation: 'The organisation’s budget',
  user: 'Your own budget',
  subject: 'An agent’s budget',
  key: 'An API key’s budget',
};

/** nameOfBudget says whose and, when there are two of a kind, for how long. */
export function nameOfBudget({ period, scope }: Pick<BudgetSummary, 'period' | 'scope'>): string {
  return scope === 'plan' ? names.plan : `${names[scope]} ${period === 'day' ? 'today' : 'this month'}`;
}
