/** The shape of idempotency (K5.4): the same key runs once, and every repetition is told what the first was told. */
import type { Tx } from '#kernel/db';

/** IdempotencyScope is whose key it is: keys of other callers or routes are other keys. */
export interface IdempotencyScope {
  readonly tenantId: string;
  readonly userId: string;
  /** Dotted id of the route. */
  readonly route: string;
}

/** Ticket is the right to run one request; it is handed back with `complete` or `abandon`. */
export interface Ticket {
  readonly scope: IdempotencyScope;
  readonly id: string;
  readonly leaseId: string;
}

export interface StoredAnswer {
  readonly status: number;
  /** Headers worth replaying, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text; null for an answer without content. */
  readonly body: string | null;
}

export type Beginning =
  | { readonly kind: 'run'; readonly ticket: Ticket }
  | ({ readonly kind: 'replay' } & StoredAnswer);

export interface BeginOptions {
  /** Whether the act knows its own effect by something in the request, and does nothing twice. */
  readonly isRecognised?: boolean;
}

export interface Idempotency {
  /**
   * Claims the key or finds its answer. Throws IDEMPOTENCY_KEY_REUSED (422) for another request under the same key,
   * IDEMPOTENCY_IN_PROGRESS (409) while the first runs, IDEMPOTENCY_ANSWER_LOST (409) when the first took effect but its
   * server died before the answer was stored. A request that the act itself recognises (`isRecognised`) then runs again, at
   * once: it finds what it did.
   */
  begin(scope: IdempotencyScope, key: string, requestHash: string, options?: BeginOptions): Promise<Beginning>;
  /**
   * Marks, in the transaction of the act, of whatever role, that the key took effect. Call it in every transaction of an
   * idempotent route, at its end. Throws IDEMPOTENCY_IN_PROGRESS, and so rolls the act back, when a retry has taken the key over meanwhile.
   */
  confirm(tx: Tx, ticket: Ticket): Promise<void>;
  /** Stores the answer for repetitions, for 24 hours. */
  complete(ticket: Ticket, answer: StoredAnswer): Promise<void>;
  /** Frees the key after a failure without effect, so that a retry runs at once; once confirmed it stays taken. */
  abandon(ticket: Ticket): Promise<void>;
  /** Deletes keys past their 24 hours; returns how many. */
  prune(): Promise<number>;
}
