/** A server killed in the middle of storing loses nothing it acknowledged and leaves nothing that stays. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createObjectStore } from './index.ts';

const fixture = fileURLToPath(new URL('./fixtures/put-forever.ts', import.meta.url));
const killsAfter = [1, 17];

/** Lets a process store objects and kills it when it has acknowledged so many; gives the ids it acknowledged. */
async function putUntilKilled(ground: TestDatabase, tenantId: string, acknowledgements: number): Promise<string[]> {
  const { dataDir, masterKey = '', authSecret = '' } = ground.config;
  const child = spawn(process.execPath, [fixture, tenantId], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: ground.url,
      MASTER_KEY: masterKey,
      AUTH_SECRET: authSecret,
      DATA_DIR: dataDir,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const ids: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    ids.push(line);
    if (ids.length === acknowledgements) child.kill('SIGKILL');
  }
  await exited;
  return ids;
}

test('[K13.1] kill -9 while storing: every acknowledged object is whole, and the sweeper clears all that has no row', async () => {
  await using ground = await createTestDatabase();
  const scope = { tenantId: newId() };
  const acknowledged: string[] = [];
  for (const count of killsAfter) acknowledged.push(...(await putUntilKilled(ground, scope.tenantId, count)));

  // Two hours later, by the store's clock.
  const now = () => Date.now() + 2 * 3_600_000;
  const store = createObjectStore({
    config: ground.config,
    db: ground.db,
    log: createLogger({ level: 'silent' }),
    now,
  });
  await store.sweep();
  const rows = await ground.db.withTenant(scope, (tx) =>
    tx.query<{ id: string; sha256: string }>({ text: 'select id, sha256 from kernel.objects' }),
  );
  expect(rows.map((row) => row.id)).toEqual(expect.arrayContaining(acknowledged));
  for (const row of rows) {
    const bytes = await store.readAll(scope, row.id);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(row.sha256);
  }
  const entries = await readdir(join(ground.config.dataDir, 'objects'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  expect(files.toSorted()).toEqual(rows.map((row) => row.id).toSorted());
  await store.close();
}, 120_000);
