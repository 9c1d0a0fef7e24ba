/** The shapes of the database door: there is no pool to be had, only transactions that know whose they are. */
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';

/** TenantScope says on whose behalf a transaction runs; row-level security sees exactly this. */
export interface TenantScope {
  readonly tenantId: string;
  /** Absent for work of the organisation itself; personal tables then show nothing. */
  readonly userId?: string;
}

/** Statement is one parameterised query; give `name` on hot paths so that PostgreSQL keeps its plan. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
}

/** Tx is a running transaction. `orm` is Drizzle on the same connection; `query` is the fast way for hot paths. */
export interface Tx {
  readonly orm: NodePgDatabase;
  readonly scope: TenantScope | null;
  query<Row>(statement: Statement): Promise<Row[]>;
  /** The transaction's last statement, sent together with its commit: a trip less. Nothing may be asked after it. */
  last<Row>(statement: Statement): Promise<Row[]>;
}

/** SystemReason is why code looks across tenants; each is logged and counted. */
export type SystemReason = string;

/** Instant is a Database as it was when the instant was opened; to be read only. */
export interface Instant extends AsyncDisposable {
  withTenant<T>(scope: TenantScope, work: (tx: Tx) => Promise<T>): Promise<T>;
  withAuth<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

export interface Database {
  /** Runs `work` in one transaction bound to a tenant. Throws when called inside another transaction of this process's flow. */
  withTenant<T>(scope: TenantScope, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `work` across tenants (sweepers, journal, metrics). Rare; never on behalf of a request. */
  withSystem<T>(reason: SystemReason, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `work` as the role that may read accounts and sessions; for kernel/auth, kernel/tenancy and kernel/admin alone. */
  withAuth<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Holds an instant open, in which many transactions can read: what changes meanwhile is in none of them. It keeps a
   * connection and the old rows of the whole server, so close it soon, and open few at once.
   */
  openInstant(reason: SystemReason): Promise<Instant>;
  /** Calls back on every NOTIFY on a channel; returns the unsubscriber. Reconnects by itself. */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => void>;
  /** Answers when one round trip succeeds; rejects otherwise. */
  ping(timeoutMilliseconds: number): Promise<void>;
  /** Connection strings for libraries that insist on their own pool (the job engine). */
  readonly urls: { readonly owner: string; readonly system: string; readonly auth: string };
  readonly isEmbedded: boolean;
  /** Name of this process's listening session in pg_stat_activity: gone at once when the process is killed. */
  readonly sessionName: string;
  /** Pool and server figures for /metrics. */
  stats(): { readonly total: number; readonly idle: number; readonly waiting: number };
  close(): Promise<void>;
}
