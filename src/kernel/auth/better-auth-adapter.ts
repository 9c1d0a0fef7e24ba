/**
 * Better Auth's way to the database: our transactions, never a pool of its own. Inside an account flow every statement
 * joins the flow's transaction, so that user, organisation, session and audit record stand or fall together.
 * Session tokens are hashed on their way in: the engine sees tokens, the table only their SHA-256.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createAdapterFactory, type CleanedWhere } from '@better-auth/core/db/adapter';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { hashToken } from './session-cookie.ts';

/** AccountFlow is one act on an account under way: its transaction, and what was settled before it began. */
export interface AccountFlow {
  readonly tx: Tx;
  /** Hash of the new password, made before the transaction so that no connection waits for Argon2. */
  readonly newPasswordHash?: string;
  /** The stored hash that the given password was verified against, also beforehand. */
  readonly verifiedHash?: string;
  /** Where the session about to be made works. */
  readonly chooseTenant: (userId: string) => Promise<string>;
  /** The first database error of the flow: the engine replaces it with one of its own that says less. */
  failure?: unknown;
}

export const accountFlow = new AsyncLocalStorage<AccountFlow>();

type Row = Record<string, unknown>;

const tables: Readonly<Record<string, string>> = {
  user: 'auth.users',
  session: 'auth.sessions',
  account: 'auth.accounts',
  verification: 'auth.verifications',
};

function tableOf(model: string): string {
  const table = tables[model];
  if (!table) throw new Error(`the account engine has no table for ${model}`);
  return table;
}

/** columnOf turns `expiresAt` into `"expires_at"`; anything but a plain name throws, since it is put into SQL. */
function columnOf(model: string, field: string): string {
  if (!/^[a-zA-Z][a-zA-Z0-9]{0,60}$/.test(field)) throw new Error('not a field name');
  if (model === 'session' && field === 'token') return '"token_hash"';
  return `"${field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`;
}

function storedValue(model: string, field: string, value: unknown): unknown {
  if (model !== 'session' || field !== 'token') return value;
  if (Array.isArray(value)) return value.map((token) => hashToken(String(token)));
  return typeof value === 'string' ? hashToken(value) : value;
}

/** toEngineRow gives rows the names the engine knows. A token is shown only to who already named it; else its hash, which opens nothing. */
function toEngineRow(row: Row, token?: unknown): Row {
  const result: Row = {};
  for (const [column, value] of Object.entries(row)) {
    result[column.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  if ('tokenHash' in result) {
    result['token'] = typeof token === 'string' ? token : result['tokenHash'];
    delete result['tokenHash'];
  }
  return result;
}

function namedToken(where: readonly CleanedWhere[] | undefined): unknown {
  return where?.find((clause) => clause.field === 'token' && clause.operator === 'eq')?.value;
}

const comparisons: Readonly<Record<string, string>> = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' };

/** conditionOf writes one clause and pushes its value. */
function conditionOf(model: string, clause: CleanedWhere, values: unknown[]): string {
  const isInsensitive = clause.mode === 'insensitive' && typeof clause.value === 'string';
  const column = columnOf(model, clause.field);
  const left = isInsensitive ? `lower(${column})` : column;
  const value = storedValue(model, clause.field, isInsensitive ? String(clause.value).toLowerCase() : clause.value);
  if (value === null) return `${column} is ${clause.operator === 'ne' ? 'not ' : ''}null`;
  const place = (given: unknown): string => `$${values.push(given)}`;
  const pattern = String(value).replaceAll(/[\\%_]/g, (sign) => `\\${sign}`);
  switch (clause.operator) {
    case 'in':
      return `${left} = any(${place(value)})`;
    case 'not_in':
      return `${left} <> all(${place(value)})`;
    case 'contains':
      return `${left} like ${place(`%${pattern}%`)}`;
    case 'starts_with':
      return `${left} like ${place(`${pattern}%`)}`;
    case 'ends_with':
      return `${left} like ${place(`%${pattern}`)}`;
    default:
      return `${left} ${comparisons[clause.operator] ?? '='} ${place(value)}`;
  }
}

/** whereOf writes a where clause: the engine's rule is that all AND clauses hold and, if there are OR clauses, one of them. */
function whereOf(model: string, where: readonly CleanedWhere[] | undefined, values: unknown[]): string {
  if (!where || where.length === 0) return '';
  const write = (connector: string): string[] =>
    where.filter((clause) => clause.connector === connector).map((clause) => conditionOf(model, clause, values));
  const all = write('AND');
  const some = write('OR');
  const parts = some.length > 0 ? [...all, `(${some.join(' or ')})`] : all;
  return ` where ${parts.join(' and ')}`;
}

/** createBetterAuthAdapter makes the adapter over the role bulkhead_auth. */
export function createBetterAuthAdapter(db: Database) {
  async function run(text: string, values: readonly unknown[]): Promise<Row[]> {
    const flow = accountFlow.getStore();
    if (!flow) return db.withAuth((tx) => tx.query<Row>({ text, values }));
    try {
      return await flow.tx.query<Row>({ text, values });
    } catch (error) {
      flow.failure ??= error;
      throw error;
    }
  }

  async function update(model: string, where: readonly CleanedWhere[] | undefined, change: Row): Promise<Row[]> {
    const values: unknown[] = [];
    const sets = Object.entries(change).map(
      ([field, value]) => `${columnOf(model, field)} = $${values.push(storedValue(model, field, value))}`,
    );
    return run(`update ${tableOf(model)} set ${sets.join(', ')}${whereOf(model, where, values)} returning *`, values);
  }

  async function remove(model: string, where: readonly CleanedWhere[] | undefined): Promise<number> {
    const values: unknown[] = [];
    const rows = await run(`delete from ${tableOf(model)}${whereOf(model, where, values)} returning id`, values);
    return rows.length;
  }

  return createAdapterFactory({
    config: {
      adapterId: 'bulkhead',
      supportsUUIDs: true,
      supportsJSON: true,
      supportsNumericIds: false,
      customIdGenerator: () => newId(),
      // A flow's transaction is opened by us; outside a flow each statement stands alone, and we use none that must not.
      transaction: false,
    },
    adapter: () => ({
      async create({ model, data }) {
        const entries = Object.entries(data).filter(([, value]) => value !== undefined);
        const columns = entries.map(([field]) => columnOf(model, field)).join(', ');
        const places = entries.map((_, index) => `$${index + 1}`).join(', ');
        const values = entries.map(([field, value]) => storedValue(model, field, value));
        const [row] = await run(`insert into ${tableOf(model)} (${columns}) values (${places}) returning *`, values);
        return toEngineRow(row ?? {}, (data as Row)['token']) as never;
      },
      async findOne({ model, where }) {
        const values: unknown[] = [];
        const [row] = await run(`select * from ${tableOf(model)}${whereOf(model, where, values)} limit 1`, values);
        return (row ? toEngineRow(row, namedToken(where)) : null) as never;
      },
      async findMany({ model, where, limit, sortBy, offset }) {
        const values: unknown[] = [];
        const filter = whereOf(model, where, values);
        const order = sortBy ? ` order by ${columnOf(model, sortBy.field)} ${sortBy.direction === 'desc' ? 'desc' : 'asc'}` : '';
        const window = ` limit $${values.push(limit ?? 100)} offset $${values.push(offset ?? 0)}`;
        const rows = await run(`select * from ${tableOf(model)}${filter}${order}${window}`, values);
        return rows.map((row) => toEngineRow(row, namedToken(where))) as never;
      },
      async count({ model, where }) {
        const values: unknown[] = [];
        const [row] = await run(`select count(*)::int as count from ${tableOf(model)}${whereOf(model, where, values)}`, values);
        return Number(row?.['count'] ?? 0);
      },
      async update({ model, where, update: change }) {
        const [row] = await update(model, where, change as Row);
        return (row ? toEngineRow(row, namedToken(where)) : null) as never;
      },
      updateMany: async ({ model, where, update: change }) => (await update(model, where, change)).length,
      delete: async ({ model, where }) => void (await remove(model, where)),
      deleteMany: async ({ model, where }) => remove(model, where),
    }),
  });
}
