/** The typed calls of second factors and passkeys, and what the pages about them share. */
import { queryOf } from '../../api-hooks.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';
import type { passkeysContract } from '../../../kernel/auth/passkeys/contract.ts';
import type { secondFactorsContract } from '../../../kernel/auth/second-factors/contract.ts';

export const factorsApi = createApi<typeof secondFactorsContract>();
export const passkeysApi = createApi<typeof passkeysContract>();

export type Factors = CallOutput<(typeof secondFactorsContract)['GET /second-factors']>;
export type SecondFactor = NonNullable<
  CallOutput<(typeof secondFactorsContract)['GET /auth/second-factor']>['secondFactor']
>;
export type SecondStepMethod = SecondFactor['methods'][number];
export type Passkey = ItemOf<(typeof passkeysContract)['GET /passkeys']>;
export type TrustedDevice = ItemOf<(typeof secondFactorsContract)['GET /trusted-devices']>;

export const factorsQuery = queryOf(factorsApi, 'GET /second-factors');

/** pendingStepQuery tells whether a first step waits for its second, also after a reload or a way through a provider. */
export const pendingStepQuery = { ...queryOf(factorsApi, 'GET /auth/second-factor'), retry: false, gcTime: 0 };
