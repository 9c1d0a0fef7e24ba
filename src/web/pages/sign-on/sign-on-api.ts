/** The API of signing on through others, for its pages. */
import { useMutation } from '@tanstack/react-query';
import type { signOnContract } from '../../../kernel/auth/sign-on/contract.ts';
import { queryOf } from '../../api-hooks.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';
import type { ApiProblem } from '../../api-problem.ts';

export const signOnApi = createApi<typeof signOnContract>();

type Operations = typeof signOnContract;

export type Provider = CallOutput<Operations['GET /auth/providers']>['providers'][number];
export type LinkedAccount = ItemOf<Operations['GET /profile/linked-accounts']>;
export type SsoConnection = ItemOf<Operations['GET /sso-connections']>;
export type SsoDomain = SsoConnection['domains'][number];

export const providersQuery = { ...queryOf(signOnApi, 'GET /auth/providers'), staleTime: 300_000 };

type Way = 'start' | 'link' | 'step-up';

/** useProvider leaves for a provider; `next` is where one comes back to. The button stays busy until the page is left. */
export function useProvider(way: Way) {
  return useMutation<void, ApiProblem, { readonly provider: string; readonly next?: string }>({
    mutationFn: async ({ provider, next }) => {
      const { url } = await signOnApi(`POST /auth/sign-on/${way}`, { body: { provider, ...(next ? { next } : {}) } });
      globalThis.location.assign(url);
      await new Promise(() => undefined); // the browser is on its way
    },
  });
}
