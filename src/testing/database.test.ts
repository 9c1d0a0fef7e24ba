import { expect, test } from 'vitest';
import { connectOnce } from '../kernel/db/pools.ts';
import { createTestDatabase } from './database.ts';

test('two test databases are apart, and each is gone when disposed', async () => {
  const first = await createTestDatabase();
  const second = await createTestDatabase();
  expect(first.name).not.toBe(second.name);
  await second[Symbol.asyncDispose]();
  const admin = await connectOnce(first.adminUrl);
  const { rows } = await admin.query<{ datname: string }>('select datname from pg_database where datname = any($1)', [
    [first.name, second.name],
  ]);
  await admin.end();
  expect(rows).toEqual([{ datname: first.name }]);
  await first[Symbol.asyncDispose]();
});
