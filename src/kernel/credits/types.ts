/** The shapes of plans, budgets and reservations. Every amount is a whole number: millionths of CURRENCY, or tokens. */
import type { TenantScope, Tx } from '#kernel/db';

export type Plan = 'free' | 'pro' | 'enterprise';
export type BudgetScope = 'plan' | 'organisation' | 'user' | 'subject' | 'key';
export type BudgetUnit = 'cost' | 'tokens';
export type BudgetPeriod = 'day' | 'month';

/** WorstCase is the most a call can use, and on whose behalf it is made. */
export interface WorstCase {
  readonly scope: TenantScope;
  readonly app: string;
  readonly subjectId?: string | undefined;
  readonly keyId?: string | undefined;
  /** Millionths of CURRENCY; 0 when no price is known. */
  readonly costMicros: number;
  readonly tokens: number;
}

/** Settlement is what a call really used. */
export interface Settlement {
  /** Its record in kernel.model_calls. */
  readonly callId: string;
  /** Null when nothing was reserved for it; budgets that were set meanwhile count it all the same. */
  readonly reservationId: string | null;
  readonly costMicros: number;
  readonly tokens: number;
}

export interface Credits {
  /** The organisation's plan, remembered for some seconds. DEFAULT_PLAN while the database does not answer. */
  planOf(tenantId: string): Promise<Plan>;
  /** Monthly credits of a plan; null without a ceiling. */
  creditsOf(plan: Plan): number | null;
  /** True when calls of this organisation must be reserved; remembered for some seconds, so that others pay nothing. */
  hasBudgets(tenantId: string): Promise<boolean>;
  /**
   * Holds a call's worst case under every budget that binds it and returns the reservation's id; null when none does.
   * Throws BUDGET_EXHAUSTED.
   */
  reserve(call: WorstCase): Promise<string | null>;
  /** Says that a reserved call has ended; its process no longer renews the lease. `settle` follows. */
  end(reservationId: string): void;
  /**
   * Settles calls in the transaction that has recorded them, each once; true when a balance changed. A reservation that was
   * settled before is left alone.
   */
  settle(tx: Tx, settlements: readonly Settlement[]): Promise<boolean>;
  /** Tells owners, admins and whose it is of each budget of which four fifths are used, once per limit and period. */
  alert(): Promise<void>;
  /** Releases what dead processes held and lets what is left of past periods expire. */
  sweep(): Promise<void>;
  /**
   * Opens what budgets grant in the running periods, also what binds `userId`, and brings it up to date, so that it can be
   * shown; for a transaction of this organisation.
   */
  openAccounts(tx: Tx, tenantId: string, userId?: string): Promise<void>;
  /** Forgets what is remembered of an organisation after a change in `tx`, in every process. */
  announceChange(tx: Tx, tenantId: string): Promise<void>;
  close(): Promise<void>;
}
