/**
 * Writes the account engine's conditions and rows as SQL of our tables: names become SQL only after a check, values
 * only as parameters, and session tokens only as their SHA-256.
 */
import type { CleanedWhere } from '@better-auth/core/db/adapter';
import { hashToken } from './session-cookie.ts';

export type Row = Record<string, unknown>;

const tables: Readonly<Record<string, string>> = {
  user: 'auth.users',
  session: 'auth.sessions',
  account: 'auth.accounts',
  verification: 'auth.verifications',
};

/** tableOf throws for a model that has no table here. */
export function tableOf(model: string): string {
  const table = tables[model];
  if (!table) throw new Error(`the account engine has no table for ${model}`);
  return table;
}

/** columnOf turns `expiresAt` into `"expires_at"`; anything but a plain name throws, since it is put into SQL. */
export function columnOf(model: string, field: string): string {
  if (!/^[a-zA-Z][a-zA-Z0-9]{0,60}$/.test(field)) throw new Error('not a field name');
  if (model === 'session' && field === 'token') return '"token_hash"';
  return `"${field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`;
}

/** storedValue is what the table holds for a value of the engine's. */
export function storedValue(model: string, field: string, value: unknown): unknown {
  if (model !== 'session' || field !== 'token') return value;
  if (Array.isArray(value)) return value.map((token: unknown) => storedValue(model, field, token));
  return typeof value === 'string' ? hashToken(value) : value;
}

/**
 * toEngineRow gives a row the names the engine knows. A session's token is shown only to who already named it; others
 * see its hash, which opens nothing.
 */
export function toEngineRow(row: Row, token?: unknown): Row {
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

/** namedToken is the session token that a condition asks for, if it asks for one. */
export function namedToken(where: readonly CleanedWhere[] | undefined): unknown {
  return where?.find((clause) => clause.field === 'token' && clause.operator === 'eq')?.value;
}

const comparisons = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;
const patterns = { contains: ['%', '%'], starts_with: ['', '%'], ends_with: ['%', ''] } as const;

/** conditionOf writes one clause and pushes its value. */
function conditionOf(model: string, clause: CleanedWhere, values: unknown[]): string {
  const { operator } = clause;
  const isInsensitive = clause.mode === 'insensitive' && typeof clause.value === 'string';
  const column = columnOf(model, clause.field);
  const left = isInsensitive ? `lower(${column})` : column;
  const given = isInsensitive ? String(clause.value).toLowerCase() : clause.value;
  const value = storedValue(model, clause.field, given);
  if (value === null) return `${column} is ${operator === 'ne' ? 'not ' : ''}null`;
  if (operator === 'in') return `${left} = any($${values.push(value)})`;
  if (operator === 'not_in') return `${left} <> all($${values.push(value)})`;
  if (operator === 'contains' || operator === 'starts_with' || operator === 'ends_with') {
    const [before, after] = patterns[operator];
    const literal = (value as string).replaceAll(/[\\%_]/g, (sign) => `\\${sign}`);
    return `${left} like $${values.push(`${before}${literal}${after}`)}`;
  }
  return `${left} ${comparisons[operator]} $${values.push(value)}`;
}

/** whereOf writes a where clause by the engine's rule: all AND clauses hold and, if there are any, one OR clause. */
export function whereOf(model: string, where: readonly CleanedWhere[] | undefined, values: unknown[]): string {
  if (!where || where.length === 0) return '';
  const write = (connector: string): string[] =>
    where.filter((clause) => clause.connector === connector).map((clause) => conditionOf(model, clause, values));
  const all = write('AND');
  const some = write('OR');
  const parts = some.length > 0 ? [...all, `(${some.join(' or ')})`] : all;
  return ` where ${parts.join(' and ')}`;
}
