/** The shape of identity: how a request's credentials become a principal. */
import type { Tx } from '#kernel/db';
import type { AbsentCaller, Standing } from './find-standing.ts';
import type { Principal } from './principal.ts';

/** Credentials are what a request brings to say who is asking. */
export interface Credentials {
  /** The Cookie header. */
  readonly cookie?: string | undefined;
  /** The Authorization header; when it is there, no cookie is looked at. */
  readonly authorization?: string | undefined;
  /** The caller's address as the server trusts it. */
  readonly address?: string | undefined;
}

/** SessionSubject names what is to be forgotten: one session, one API key, the tokens of one device, or all of a person. */
export type SessionSubject = `${'session' | 'key' | 'family' | 'user'}:${string}`;

export interface Identity {
  /**
   * Resolves credentials to a principal, or null. Cached in the process for at most 5 s;
   * a revoked session is dropped from every process's cache at once.
   */
  resolve(credentials: Credentials): Promise<Principal | null>;
  /** Tells every process to forget a subject, when the transaction commits. Whoever changes a role or a membership must. */
  announce(tx: Tx, subject: SessionSubject): Promise<void>;
  /** Forgets it in this process at once, for the moment between the commit and the announcement's arrival. */
  forget(subject: SessionSubject): void;
  /** What somebody may do now on whose behalf work goes on without them; null for nothing any more. */
  standingOf(caller: AbsentCaller): Promise<Standing | null>;
  /** Calls back with whatever is announced, on every process; what is lost while the connection is down is not repeated. */
  onChange(listener: (subject: SessionSubject) => void): () => void;
  /** Does work that the answer must not wait for; `close` waits for it, failures are logged. */
  later(what: string, work: () => Promise<unknown>): void;
  /** The clock that sessions live by, milliseconds since 1970; scripted in tests. */
  now(): number;
  /** Stops listening and waits for what is still being written. */
  close(): Promise<void>;
}
