/** `bulkhead audit verify` as an operator meets it: a process on a real database. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuditLog } from '#kernel/audit';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import { createTestDatabase, type TestDatabase } from '#testing/database';

function runVerify(ground: TestDatabase, ...args: string[]): Promise<{ code: number; stdout: string }> {
  const { dataDir, masterKey = '', authSecret = '' } = ground.config;
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: ground.url,
    MASTER_KEY: masterKey,
    AUTH_SECRET: authSecret,
    DATA_DIR: dataDir,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), 'audit', 'verify', ...args],
      { env },
      (error, stdout) => {
        resolve({ code: error ? Number(error.code) : 0, stdout });
      },
    );
  });
}

test('[K7.2] audit verify ends with 0 when every trail is whole, and with 1 naming the one that is not', async () => {
  await using ground = await createTestDatabase();
  const audit = createAuditLog({ db: ground.db });
  const actor = { kind: 'system', reason: 'test' } as const;
  const [whole, broken] = [newId(), newId()];
  for (const tenantId of [whole, broken, broken]) {
    await ground.db.withTenant({ tenantId }, (tx) =>
      audit.record(tx, { action: 'a.b.c', resource: 'x:y', actor, tenantId }),
    );
  }
  const before = await runVerify(ground, '--json');
  expect(before.code).toBe(0);
  expect(JSON.parse(before.stdout)).toEqual([
    { tenantId: whole, checked: 1, brokenAt: null },
    { tenantId: broken, checked: 2, brokenAt: null },
  ]);

  const sql = `update kernel.audit_records set action = 'x' where tenant_id = $1 and sequence = 2`;
  await asAdmin(ground, (query) => query(sql, [broken]), { ignoreTriggers: true });
  expect(await runVerify(ground)).toEqual({
    code: 1,
    stdout: `${broken}  record 2 is not what was written\n2 trails, 2 records fit, 1 trails broken\n`,
  });
}, 90_000);
