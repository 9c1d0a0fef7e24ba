/** The shape of identity: how a request's credentials become a principal. */
import type { Principal } from './principal.ts';

export interface Identity {
  /**
   * Resolves the session cookie to a principal, or null. Cached in the process for at most 5 s;
   * a revoked session is dropped from every process's cache at once.
   */
  resolve(cookieHeader: string | undefined): Promise<Principal | null>;
  /** Stops listening and waits for what is still being written. */
  close(): Promise<void>;
}
