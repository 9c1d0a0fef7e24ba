/** Signing out ends the session here first; whether there is another to end at the organisation's provider comes after. */
import { useMutation } from '@tanstack/react-query';
import type { signOnContract } from '../../kernel/auth/sign-on/contract.ts';
import { createApi } from '../api.ts';

const api = createApi<typeof signOnContract>();

/** useSignOut leaves for the organisation's provider where that signs out as well, else for the sign-in page. */
export function useSignOut() {
  return useMutation({
    mutationFn: async () => {
      const { url } = await api('POST /auth/sign-on/sign-out').catch(() => ({ url: null }));
      // A full load forgets everything of this person that the page holds in memory.
      globalThis.location.assign(url ?? '/sign-in');
    },
  });
}
