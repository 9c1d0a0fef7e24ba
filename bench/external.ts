/** The list route once more on an external PostgreSQL, in a database made for it and dropped afterwards. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createTestDatabase } from '#testing/database';
import { startBulkhead, type ModelProcess } from './children.ts';
import { measureListRoute, type RequestRate } from './measures.ts';
import { signUp } from './scenario.ts';

async function isAnswering(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 });
  try {
    await Promise.race([
      once(socket, 'connect'),
      once(socket, 'timeout').then(() => Promise.reject(new Error('timeout'))),
    ]);
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** measureOnExternal returns null when nothing answers at 127.0.0.1:5432. */
export async function measureOnExternal(
  dataDir: string,
  environment: Readonly<Record<string, string>>,
  model: ModelProcess,
): Promise<{ list: RequestRate } | null> {
  if (!(await isAnswering(5_432))) return null;
  await using database = await createTestDatabase({ kind: 'external' });
  await database.db.close();
  const key = (): string => randomBytes(32).toString('base64');
  await using bulkhead = await startBulkhead(dataDir, {
    ...environment,
    DATABASE_URL: database.url,
    MASTER_KEY: key(),
    AUTH_SECRET: key(),
    MODEL_PRIVATE_NETWORKS: '127.0.0.0/8',
  });
  if (bulkhead.setupToken === null) throw new Error('the first start printed no setup link');
  const person = await signUp(bulkhead.url, bulkhead.setupToken, model.url);
  // Awaited here: the server has to outlive the measurement.
  return await measureListRoute({ bulkhead, model, person });
}
