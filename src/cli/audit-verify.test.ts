/** `bulkhead audit verify` as an operator meets it: a process on a real database. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuditLog } from '#kernel/audit';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '#testing/database';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runVerify(ground: Pick<TestDatabase, 'config' | 'url'>, ...args: string[]): Promise<Outcome> {
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
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
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

  // The trails name nobody yet; one erasure later the sum says of how many that is so because somebody was erased.
  const person = newId();
  await asAdmin(ground, async (query) => {
    await query(`insert into auth.users (id, name, email) values ($1, 'Ada', 'ada@example.com')`, [person]);
    await query(
      `insert into kernel.erasures (id, kind, subject_id, certificate_id, due_at)
       values (gen_random_uuid(), 'person', $1, gen_random_uuid(), now() - interval '1 second')`,
      [person],
    );
  });
  await ground.db.withSystem('test', async (tx) => {
    await audit.record(tx, { action: 'a.b.c', resource: `user:${person}`, actor, tenantId: whole });
    await audit.recordAnonymised(tx, await audit.anonymise(tx, person));
  });
  expect(await runVerify(ground)).toEqual({
    code: 0,
    stdout: '2 trails, 5 records fit (1 of them anonymised by erasures), 0 trails broken\n',
    stderr: '',
  });

  const sql = `update kernel.audit_records set action = 'x' where tenant_id = $1 and sequence = 2`;
  await asAdmin(ground, (query) => query(sql, [broken]), { ignoreTriggers: true });
  expect(await runVerify(ground)).toEqual({
    code: 1,
    stdout: `${broken}  record 2 is not what was written\n2 trails, 4 records fit (1 of them anonymised by erasures), 1 trails broken\n`,
    stderr: '',
  });
});

test('[K7.2] audit verify only looks: a database of another version is named as such and left as it is', async () => {
  await using ground = await createEmptyDatabase();
  const { code, stderr } = await runVerify(ground);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^The database is not of this version of Bulkhead/)]);
  const schemas = await asAdmin(ground, (query) =>
    query(`select nspname from pg_namespace where nspname in ('kernel', 'auth')`),
  );
  expect(schemas).toEqual([]);
});

test('[K7.2] with the heads of trails kept in a file, audit verify finds an end cut off, a trail written anew and one that is gone', async () => {
  await using ground = await createTestDatabase();
  const audit = createAuditLog({ db: ground.db });
  const actor = { kind: 'system', reason: 'test' } as const;
  const record = (tenantId: string) =>
    ground.db.withTenant({ tenantId }, (tx) => audit.record(tx, { action: 'a.b.c', resource: 'x:y', actor, tenantId }));
  const [grows, cut, anew, gone] = [newId(), newId(), newId(), newId()];
  for (const tenantId of [grows, cut, cut, cut, anew, gone]) await record(tenantId);
  const file = join(ground.config.dataDir, 'heads.json');
  const first = await runVerify(ground, '--heads', file);
  expect([first.code, first.stdout]).toEqual([0, '4 trails, 6 records fit, 0 trails broken\n']);
  await record(grows);
  expect((await runVerify(ground, '--heads', file)).code).toBe(0);
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  expect(kept.heads.map((head: { sequence: string }) => head.sequence)).toEqual(['2', '3', '1', '1']);
  const { takenAt } = kept.heads[1];

  // As somebody with the owner's password would, who knows how chains are made.
  const forge = (sql: string, tenantId: string) =>
    asAdmin(ground, (query) => query(sql, [tenantId]), { ignoreTriggers: true });
  await forge('delete from kernel.audit_records where tenant_id = $1 and sequence = 3', cut);
  await forge(
    `update kernel.audit_heads h set sequence = 2, hash = r.hash from kernel.audit_records r
     where r.tenant_id = $1 and r.sequence = 2 and h.tenant_id = r.tenant_id`,
    cut,
  );
  for (const tenantId of [anew, gone]) {
    await forge('delete from kernel.audit_records where tenant_id = $1', tenantId);
    await forge('delete from kernel.audit_heads where tenant_id = $1', tenantId);
  }
  await record(anew);
  expect((await runVerify(ground)).code).toBe(0); // inside the database nothing shows
  const found = await runVerify(ground, '--heads', file);
  expect(found.code).toBe(1);
  expect(found.stdout.split('\n')).toEqual([
    `${cut}  record 3, its end on ${takenAt}, and what followed it are gone`,
    `${anew}  record 1, its end on ${takenAt}, is another than it was`,
    expect.stringMatching(new RegExp(`^${gone}  record 1, .* is gone with its whole trail; that is right only if`)),
    '3 trails, 5 records fit, 0 trails broken, 3 ends lost',
    '',
  ]);
  // What is broken is said again, what is gone was said.
  const again = await runVerify(ground, '--json', '--heads', file);
  expect(JSON.parse(again.stdout)).toEqual([
    { tenantId: grows, checked: 2, brokenAt: null },
    { tenantId: cut, checked: 2, brokenAt: null, lostHead: expect.objectContaining({ state: 'truncated', takenAt }) },
    { tenantId: anew, checked: 1, brokenAt: null, lostHead: expect.objectContaining({ state: 'changed' }) },
  ]);
  writeFileSync(file, '{}');
  const refused = await runVerify(ground, '--heads', file);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is not a file of heads')]);
  expect(readFileSync(file, 'utf8')).toBe('{}');
}, 120_000);
