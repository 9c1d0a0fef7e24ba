/** The API of plans, budgets and usage, for its page of settings. */
import type { creditsContract } from '../../../kernel/credits/contract.ts';
import type { modelsContract } from '../../../kernel/llm/contract.ts';
import type { tenancyContract } from '../../../kernel/tenancy/contract.ts';
import type { apiKeysContract } from '../../../kernel/auth/api-keys/contract.ts';
import { createApi, type CallInput, type CallOutput, type ItemOf } from '../../api.ts';

export const usageApi = createApi<typeof creditsContract>();
export const keysApi = createApi<Pick<typeof apiKeysContract, 'GET /api-keys'>>();
export const membersApi = createApi<Pick<typeof tenancyContract, 'GET /members'>>();

type Operations = typeof creditsContract;

export type UsageSummary = CallOutput<Operations['GET /usage']>;
export type BudgetSummary = UsageSummary['budgets'][number];
export type Budget = ItemOf<Operations['GET /budgets']>;
export type NewBudget = CallInput<Operations['PUT /budgets']>['body'];
export type Price = ItemOf<(typeof modelsContract)['GET /model-prices']>;
export type UsageDay = CallOutput<Operations['GET /usage/days']>['items'][number];
export type UsageGroup = CallOutput<Operations['GET /usage/groups']>['items'][number];
export type GroupBy = CallInput<Operations['GET /usage/groups']>['query']['by'];
