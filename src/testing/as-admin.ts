/** A test looks behind row-level security, and tampers as only somebody with the superuser's password could. */
import { connectOnce } from '../kernel/db/pools.ts';
import type { TestDatabase } from './database.ts';

type Query = <Row>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

/** asAdmin runs `work` on a superuser's connection to a test database; with `ignoreTriggers` as an intruder would. */
export async function asAdmin<T>(
  database: Pick<TestDatabase, 'adminUrl'>,
  work: (query: Query) => Promise<T>,
  options: { readonly ignoreTriggers?: boolean } = {},
): Promise<T> {
  const client = await connectOnce(database.adminUrl, 'bulkhead_test_admin');
  try {
    if (options.ignoreTriggers) await client.query('set session_replication_role = replica');
    return await work(async (sql, values) => (await client.query(sql, values as unknown[])).rows as never);
  } finally {
    await client.end();
  }
}
