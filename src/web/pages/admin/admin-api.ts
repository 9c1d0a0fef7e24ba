/** The API of the console, for its pages. */
import type { adminContract } from '../../../kernel/admin/contract.ts';
import type { supportContract } from '../../../kernel/admin/support/contract.ts';
import type { creditsContract } from '../../../kernel/credits/contract.ts';
import type { flagsContract } from '../../../kernel/flags/contract.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';

export const adminApi = createApi<typeof adminContract>();
export const supportApi = createApi<typeof supportContract>();
export const plansApi = createApi<typeof creditsContract>();
export const flagsApi = createApi<typeof flagsContract>();

export type Overview = CallOutput<(typeof adminContract)['GET /admin/overview']>;
export type HealthCheck = Overview['checks'][number];
export type Person = ItemOf<(typeof adminContract)['GET /admin/people']>;
export type PersonDetail = CallOutput<(typeof adminContract)['GET /admin/people/{personId}']>;
export type ServerInvitation = ItemOf<(typeof adminContract)['GET /admin/invitations']>;
export type Organisation = ItemOf<(typeof adminContract)['GET /admin/organisations']>;
export type OrganisationDetail = CallOutput<(typeof adminContract)['GET /admin/organisations/{organisationId}']>;
export type UsageRow = CallOutput<(typeof adminContract)['GET /admin/usage']>['items'][number];
export type Job = CallOutput<(typeof adminContract)['GET /admin/jobs']>['items'][number];
export type Grant = ItemOf<(typeof supportContract)['GET /support-access']>;
export type Flag = CallOutput<(typeof flagsContract)['GET /admin/flags']>['flags'][number];
