/** Every statement runs in a transaction that row-level security knows the tenant of; none is left open or nested. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import type * as DrizzleNodePostgres from 'drizzle-orm/node-postgres';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg';
import { isId } from '#kernel/ids';
import { isConnectionError } from './errors.ts';
import type { Statement, TenantScope, Tx } from './types.ts';

interface Flow {
  isOpen: boolean;
  /** The commit that travelled with the last statement, when the work said which that is. */
  committing?: Promise<{ readonly command: string }>;
}

/** The flow's running transaction. A task that outlives its transaction still carries this object, closed. */
const running = new AsyncLocalStorage<Flow>();

/** isInTransaction tells whether the calling flow is inside a transaction. */
export function isInTransaction(): boolean {
  return running.getStore()?.isOpen ?? false;
}

/** A connection taken while the server restarts is worth a short wait; a statement that ran is never repeated. */
const connectAttempts = 6;
const firstPauseMilliseconds = 50;

async function acquire(pool: Pool): Promise<PoolClient> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.connect();
    } catch (error) {
      if (attempt >= connectAttempts || !isConnectionError(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, firstPauseMilliseconds * 2 ** (attempt - 1)));
    }
  }
}

/** openingSql is BEGIN and the tenant's settings in one string; ids are placed in it only after `isId` has passed them. */
function openingSql(scope: TenantScope | null, snapshot?: string): string {
  if (snapshot !== undefined && !/^[0-9A-F-]+$/.test(snapshot)) throw new TypeError('this is no snapshot');
  const begin =
    snapshot === undefined
      ? 'begin'
      : `begin isolation level repeatable read read only;set transaction snapshot '${snapshot}'`;
  if (!scope) return begin;
  if (!isId(scope.tenantId)) throw new TypeError('a tenant id must be a lower-case UUID');
  if (scope.userId !== undefined && !isId(scope.userId)) throw new TypeError('a user id must be a lower-case UUID');
  return (
    // SET LOCAL returns no rows to parse, unlike set_config().
    `${begin};set local app.tenant_id='${scope.tenantId}';set local app.user_id='${scope.userId ?? ''}'`
  );
}

/** Loaded at first use: it is the slowest module of a start, and hot paths go without it. */
function loadDrizzle() {
  return createRequire(import.meta.url)('drizzle-orm/node-postgres') as typeof DrizzleNodePostgres;
}

/** What would end the transaction early, and with it the tenant's settings; savepoints are fine. */
const transactionControl =
  /^\s*(?:begin|commit|end|abort|start\s+transaction|rollback(?!\s+to\b)|prepare\s+transaction)\b/i;

/**
 * GuardedClient is the connection as work may use it: only while its transaction is open, because afterwards it serves
 * another tenant, and never to end it.
 */
class GuardedClient {
  readonly #client: PoolClient;
  readonly #flow: Flow;

  constructor(client: PoolClient, flow: Flow) {
    this.#client = client;
    this.#flow = flow;
  }

  query(config: string | QueryConfig, values?: unknown[]): Promise<QueryResult> {
    if (!this.#flow.isOpen) throw new Error('this transaction has ended; await every query inside it');
    if (transactionControl.test(typeof config === 'string' ? config : config.text)) {
      throw new Error('a transaction begins and ends with its work; use a savepoint inside it');
    }
    return this.#client.query(config as QueryConfig, values);
  }

  /** Sends the last statement and the commit in one write. Each has its own Sync: a failed statement makes it a rollback. */
  queryAndCommit(statement: QueryConfig): Promise<QueryResult> {
    const { stream } = (this.#client as unknown as CorkableClient).connection;
    stream.cork();
    try {
      const asked = this.query(statement);
      this.#flow.isOpen = false;
      this.#flow.committing = this.#client.query('commit');
      this.#flow.committing.catch(() => undefined);
      return asked;
    } finally {
      stream.uncork();
    }
  }
}

class ClientTx implements Tx {
  readonly scope: TenantScope | null;
  readonly #client: GuardedClient;
  #orm: NodePgDatabase | undefined;

  constructor(client: PoolClient, scope: TenantScope | null, flow: Flow) {
    this.#client = new GuardedClient(client, flow);
    this.scope = scope;
  }

  get orm(): NodePgDatabase {
    this.#orm ??= loadDrizzle().drizzle(this.#client as unknown as PoolClient);
    return this.#orm;
  }

  async query<Row>(statement: Statement): Promise<Row[]> {
    const { rows } = await this.#client.query({ ...statement, values: statement.values as unknown[] | undefined });
    return rows as Row[];
  }

  async last<Row>(statement: Statement): Promise<Row[]> {
    const query = { ...statement, values: statement.values as unknown[] | undefined };
    const { rows } = await this.#client.queryAndCommit(query);
    return rows as Row[];
  }
}

/** The socket of a client, which the types of pg do not show. */
interface CorkableClient {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
}

async function rollBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    // The connection is beyond use; the pool must throw it away.
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The opening is not awaited: what `work` asks first rides in the same packet (the clients pipeline, the cork makes it one write). */
function openTogether<T>(
  client: PoolClient,
  sql: string,
  work: () => Promise<T>,
): { readonly opening: Promise<QueryResult>; readonly working: Promise<T> } {
  const { stream } = (client as unknown as CorkableClient).connection;
  stream.cork();
  try {
    const opening = client.query(sql);
    opening.catch(() => undefined);
    return { opening, working: work() };
  } finally {
    // Also when `work` throws before it returns: a corked connection would never speak again.
    stream.uncork();
  }
}

/**
 * runTransaction runs `work` in one transaction: committed when it resolves, rolled back when it rejects. Throws at once
 * when the flow is already inside one, because waiting for a second connection while holding the first can deadlock.
 * With `snapshot` it reads the instant that another transaction holds.
 */
export async function runTransaction<T>(
  pool: Pool,
  scope: TenantScope | null,
  work: (tx: Tx) => Promise<T>,
  snapshot?: string,
): Promise<T> {
  if (isInTransaction())
    throw new Error('a transaction is already running here: use its `tx`, or call after it has committed');
  const opening = openingSql(scope, snapshot);
  const client = await acquire(pool);
  const flow: Flow = { isOpen: true };
  let broken: Error | undefined;
  try {
    const opened = openTogether(client, opening, () =>
      running.run(flow, () => work(new ClientTx(client, scope, flow))),
    );
    const result = await opened.working;
    flow.isOpen = false;
    await opened.opening;
    const { command } = await (flow.committing ?? client.query('commit'));
    // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: a swallowed error must not look saved.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back because a statement in it had failed');
    return result;
  } catch (error) {
    flow.isOpen = false;
    broken = await rollBack(client);
    throw error;
  } finally {
    client.release(broken);
  }
}
