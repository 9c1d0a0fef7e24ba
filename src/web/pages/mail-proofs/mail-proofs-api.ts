/** The typed client of links by mail. */
import type { mailProofsContract } from '../../../kernel/auth/mail-proofs/contract.ts';
import { createApi } from '../../api.ts';

export const mailProofsApi = createApi<typeof mailProofsContract>();

/** readToken takes the token out of the address, which keeps it out of the history and of what is copied. */
export function readToken(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token');
}
