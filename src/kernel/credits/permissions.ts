/** Who may do what with plans and budgets: owners and admins see all use and set budgets, everybody sees their own. */

export const permissions = {
  'credits.usage.read': 'See what the whole organisation used, by person, agent and model',
  'credits.budget.read': 'See budgets, their balances and the ledger',
  'credits.budget.write': 'Set and remove budgets',
} as const;

const everything = Object.keys(permissions) as (keyof typeof permissions)[];

export const policy = { owner: everything, admin: everything, member: [], viewer: [] } as const;
