/**
 * Better Auth's way to the database: our transactions, never a pool of its own. Inside an account flow every statement
 * joins the flow's transaction, so that user, organisation, session and audit record stand or fall together.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createAdapterFactory, type CleanedWhere, type CustomAdapter } from '@better-auth/core/db/adapter';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { columnOf, namedToken, storedValue, tableOf, toEngineRow, whereOf, type Row } from './engine-sql.ts';

/** AccountFlow is one act on an account under way: its transaction, and what was settled before it began. */
export interface AccountFlow {
  readonly tx: Tx;
  /** Hash of the new password, made before the transaction so that no connection waits for Argon2. */
  readonly newPasswordHash?: string;
  /** Where the session about to be made works. */
  readonly chooseTenant: (userId: string) => Promise<string>;
  /** The first database error of the flow: the engine replaces it with one of its own that says less. */
  failure?: unknown;
}

export const accountFlow = new AsyncLocalStorage<AccountFlow>();

type Run = (text: string, values: readonly unknown[]) => Promise<Row[]>;
type Where = readonly CleanedWhere[] | undefined;

/** createBetterAuthAdapter makes the adapter over the role bulkhead_auth. */
export function createBetterAuthAdapter(db: Database) {
  const run: Run = async (text, values) => {
    const flow = accountFlow.getStore();
    if (!flow) return db.withAuth((tx) => tx.query<Row>({ text, values }));
    try {
      return await flow.tx.query<Row>({ text, values });
    } catch (error) {
      flow.failure ??= error;
      throw error;
    }
  };
  return createAdapterFactory({
    config: {
      adapterId: 'bulkhead',
      supportsUUIDs: true,
      supportsJSON: true,
      supportsNumericIds: false,
      customIdGenerator: () => newId(),
      // A flow's transaction is opened by us; outside a flow each statement stands alone.
      transaction: false,
    },
    adapter: () => ({ ...readingMethods(run), ...writingMethods(run) }),
  });
}

function readingMethods(run: Run): Pick<CustomAdapter, 'findOne' | 'findMany' | 'count'> {
  return {
    async findOne({ model, where }) {
      const values: unknown[] = [];
      const [row] = await run(`select * from ${tableOf(model)}${whereOf(model, where, values)} limit 1`, values);
      return (row ? toEngineRow(row, namedToken(where)) : null) as never;
    },
    async findMany({ model, where, limit, sortBy, offset }) {
      const values: unknown[] = [];
      const filter = whereOf(model, where, values);
      const direction = sortBy?.direction === 'desc' ? 'desc' : 'asc';
      const order = sortBy ? ` order by ${columnOf(model, sortBy.field)} ${direction}` : '';
      const window = ` limit $${values.push(limit ?? 100)} offset $${values.push(offset ?? 0)}`;
      const rows = await run(`select * from ${tableOf(model)}${filter}${order}${window}`, values);
      return rows.map((row) => toEngineRow(row, namedToken(where))) as never;
    },
    async count({ model, where }) {
      const values: unknown[] = [];
      const text = `select count(*)::int as count from ${tableOf(model)}${whereOf(model, where, values)}`;
      const [row] = await run(text, values);
      return Number(row?.['count'] ?? 0);
    },
  };
}

function writingMethods(run: Run): Pick<CustomAdapter, 'create' | 'update' | 'updateMany' | 'delete' | 'deleteMany'> {
  async function change(model: string, where: Where, fields: Row): Promise<Row[]> {
    const values: unknown[] = [];
    const sets = Object.entries(fields).map(
      ([field, value]) => `${columnOf(model, field)} = $${values.push(storedValue(model, field, value))}`,
    );
    return run(`update ${tableOf(model)} set ${sets.join(', ')}${whereOf(model, where, values)} returning *`, values);
  }

  async function remove(model: string, where: Where): Promise<number> {
    const values: unknown[] = [];
    const text = `delete from ${tableOf(model)}${whereOf(model, where, values)} returning id`;
    return (await run(text, values)).length;
  }

  return {
    async create({ model, data }) {
      const entries = Object.entries(data as Row).filter(([, value]) => value !== undefined);
      const columns = entries.map(([field]) => columnOf(model, field)).join(', ');
      const places = entries.map((_, index) => `$${index + 1}`).join(', ');
      const values = entries.map(([field, value]) => storedValue(model, field, value));
      const [row] = await run(`insert into ${tableOf(model)} (${columns}) values (${places}) returning *`, values);
      return toEngineRow(row ?? {}, (data as Row)['token']) as never;
    },
    async update({ model, where, update }) {
      const [row] = await change(model, where, update as Row);
      return (row ? toEngineRow(row, namedToken(where)) : null) as never;
    },
    updateMany: async ({ model, where, update }) => (await change(model, where, update)).length,
    async delete({ model, where }) {
      await remove(model, where);
    },
    deleteMany: ({ model, where }) => remove(model, where),
  };
}
