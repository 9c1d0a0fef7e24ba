/** All routes of plans, budgets and usage. */
import type { Route } from '#kernel/http';
import { deleteBudget, listBudgets, listLedger, putBudget } from './budget-routes.ts';
import { putPlan, readPlan } from './plan-routes.ts';
import { readDays, readGroups, readOwnDays, readOwnGroups, readUsage } from './usage-routes.ts';

export const creditRoutes: readonly Route[] = [
  readUsage,
  readDays,
  readGroups,
  readOwnDays,
  readOwnGroups,
  listBudgets,
  putBudget,
  deleteBudget,
  listLedger,
  readPlan,
  putPlan,
];
