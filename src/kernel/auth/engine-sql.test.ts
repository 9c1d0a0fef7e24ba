/** What the account engine asks for is what it gets from a real database, and nothing it passes becomes SQL. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CleanedWhere } from '@better-auth/core/db/adapter';
import { newId } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { createBetterAuthAdapter } from './better-auth-adapter.ts';
import { columnOf, namedToken, storedValue, tableOf, toEngineRow, whereOf } from './engine-sql.ts';
import { hashToken } from './session-cookie.ts';

let database: TestDatabase;
let adapter: ReturnType<ReturnType<typeof createBetterAuthAdapter>>;
beforeAll(async () => {
  database = await createTestDatabase();
  adapter = createBetterAuthAdapter(database.db)({});
  for (const [name, email] of [
    ['Ada 100%', 'ada@example.com'],
    ['Bob_B', 'bob@example.com'],
    ['Cleo', 'cleo@example.org'],
  ]) {
    await adapter.create({ model: 'user', data: { name, email, emailVerified: email === 'bob@example.com' } });
  }
});
afterAll(() => database[Symbol.asyncDispose]());

const namesWhere = async (
  ...where: NonNullable<Parameters<typeof adapter.findMany>[0]['where']>
): Promise<string[]> => {
  const rows = await adapter.findMany<{ name: string }>({
    model: 'user',
    where,
    sortBy: { field: 'email', direction: 'asc' },
  });
  return rows.map((row) => row.name);
};

test('every operator of the engine finds what it should, and patterns match literally', async () => {
  expect(await namesWhere({ field: 'email', value: 'ada@example.com' })).toEqual(['Ada 100%']);
  expect(await namesWhere({ field: 'email', value: 'ADA@example.com', mode: 'insensitive' })).toEqual(['Ada 100%']);
  expect(await namesWhere({ field: 'email', operator: 'ne', value: 'ada@example.com' })).toEqual(['Bob_B', 'Cleo']);
  expect(await namesWhere({ field: 'email', operator: 'in', value: ['ada@example.com', 'x'] })).toEqual(['Ada 100%']);
  expect(await namesWhere({ field: 'email', operator: 'not_in', value: ['ada@example.com'] })).toEqual([
    'Bob_B',
    'Cleo',
  ]);
  expect(await namesWhere({ field: 'name', operator: 'contains', value: '%' })).toEqual(['Ada 100%']);
  expect(await namesWhere({ field: 'name', operator: 'contains', value: '_' })).toEqual(['Bob_B']);
  expect(await namesWhere({ field: 'name', operator: 'starts_with', value: 'C' })).toEqual(['Cleo']);
  expect(await namesWhere({ field: 'email', operator: 'ends_with', value: '.org' })).toEqual(['Cleo']);
  expect(
    await namesWhere({ field: 'email', operator: 'gt', value: 'b' }, { field: 'email', operator: 'lte', value: 'c' }),
  ).toEqual(['Bob_B']);
  expect(await namesWhere({ field: 'image', value: null })).toHaveLength(3);
  expect(await namesWhere({ field: 'emailVerified', value: true })).toEqual(['Bob_B']);
});

test('all AND clauses hold, and of the OR clauses one', async () => {
  const or = (value: string) => ({ field: 'name', value, connector: 'OR' as const });
  expect(await namesWhere(or('Cleo'), or('Bob_B'))).toEqual(['Bob_B', 'Cleo']);
  expect(await namesWhere({ field: 'emailVerified', value: true }, or('Cleo'), or('Bob_B'))).toEqual(['Bob_B']);
});

test('rows are counted, changed, paged and deleted', async () => {
  expect(await adapter.count({ model: 'user' })).toBe(3);
  const where = [{ field: 'email', value: 'cleo@example.org' }];
  expect(await adapter.update({ model: 'user', where, update: { name: 'Cleopatra' } })).toMatchObject({
    name: 'Cleopatra',
  });
  expect(await adapter.updateMany({ model: 'user', where, update: { name: 'Cleo' } })).toBe(1);
  expect(
    await adapter.findMany({ model: 'user', limit: 1, offset: 1, sortBy: { field: 'email', direction: 'desc' } }),
  ).toMatchObject([{ name: 'Bob_B' }]);
  await adapter.create({ model: 'verification', data: { identifier: 'i', value: 'v', expiresAt: new Date() } });
  expect(await adapter.deleteMany({ model: 'verification', where: [{ field: 'identifier', value: 'i' }] })).toBe(1);
  await adapter.delete({ model: 'verification', where: [{ field: 'identifier', value: 'i' }] });
  expect(await adapter.findOne({ model: 'verification', where: [{ field: 'identifier', value: 'i' }] })).toBeNull();
});

test('[K2.8] a session token is hashed wherever it is written or asked for, and shown only to who named it', () => {
  expect(storedValue('session', 'token', 'secret')).toBe(hashToken('secret'));
  expect(storedValue('session', 'token', ['secret'])).toEqual([hashToken('secret')]);
  const where: CleanedWhere[] = [
    { field: 'token', value: 'secret', operator: 'eq', connector: 'AND', mode: 'sensitive' },
  ];
  const values: unknown[] = [];
  expect(whereOf('session', where, values)).toBe(' where "token_hash" = $1');
  expect(values).toEqual([hashToken('secret')]);
  const row = { id: newId(), token_hash: hashToken('secret') };
  expect(toEngineRow(row, namedToken(where))).toEqual({ id: row.id, token: 'secret' });
  expect(toEngineRow(row)).toEqual({ id: row.id, token: row.token_hash });
});

test('names that are not plain, and models without a table, never become SQL', () => {
  for (const name of ['id"; drop table x', 'a b', '', 'a'.repeat(62), 'é']) {
    expect(() => columnOf('user', name)).toThrow('not a field name');
  }
  expect(() => tableOf('pg_authid')).toThrow('no table for pg_authid');
});
