import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '#testing/database';
import { testSecrets } from '../../../testing/test-cluster.ts';
import { fixtureSources, personA, tenantA, tenantB } from '../fixtures/sources.ts';
import { openDatabase } from '../open-database.ts';
import { connectOnce } from '../pools.ts';
import { silentLog } from '../../../testing/test-cluster.ts';
import { measureTable, pinSession } from './catalogue-of-tables.ts';
import { createBackup } from './create-backup.ts';
import { restoreBackup } from './restore-backup.ts';
import { verifyBackup } from './verify-backup.ts';

const { masterKey } = testSecrets;

/** Values that text formats like to lose: quotes, tabs, back-slashes, NUL-free control characters, astral letters, floats. */
const awkward = 'tab\t newline\n back\\slash \\N \\. "quotes" \u{1F6A2} \u0007 é';

async function fill(db: TestDatabase['db']): Promise<void> {
  for (const tenantId of [tenantA, tenantB]) {
    await db.withTenant({ tenantId, userId: personA }, async (tx) => {
      let parent: string | null = null;
      for (let index = 0; index < 200; index++) {
        const id = newId();
        await tx.query({
          text: 'insert into app_notes.books (id, tenant_id, title, parent_id, payload, details, ratio) values ($1, $2, $3, $4, $5, $6, $7)',
          values: [id, tenantId, `${awkward} ${index}`, parent, randomBytes(300), { index, text: awkward }, index / 3],
        });
        parent = index % 7 === 0 ? null : id;
      }
      await tx.query({
        text: 'insert into app_notes.diaries (id, tenant_id, owner_id, body) values ($1, $2, $3, $4)',
        values: [newId(), tenantId, personA, awkward],
      });
      await tx.query({
        text: 'insert into app_notes.events (id, tenant_id, what) values ($1, $2, $3)',
        values: [newId(), tenantId, 'made'],
      });
    });
  }
}

const tables = ['books', 'diaries', 'events'].map((table) => ({
  schema: 'app_notes',
  table,
  columns: ['id', 'tenant_id'],
}));

async function measureAll(url: string): Promise<unknown[]> {
  const client = await connectOnce(url);
  await pinSession(client);
  const { rows } = await client.query('select * from app_notes.books order by id');
  const states = [rows];
  for (const table of tables) states.push([await measureTable(client, table)]);
  await client.end();
  return states;
}

const directions = [
  ['embedded', 'external'],
  ['external', 'embedded'],
] as const;

describe.each(directions)('from %s to %s', (from, to) => {
  test('[K10.5] [K10.1] a backup restores to the other kind of server with every row, and the server works on it', async () => {
    await using source = await createTestDatabase({ kind: from, migrations: fixtureSources });
    await using target = await createEmptyDatabase(to);
    await fill(source.db);
    const path = join(source.config.dataDir, 'move.backup');
    const made = await createBackup({ url: source.url, path, masterKey });
    expect(made.rowCount).toBe(404);
    const restored = await restoreBackup({ url: target.url, path, masterKey, migrations: fixtureSources });
    expect(restored.rowCount).toBe(404);
    expect(await measureAll(target.adminUrl)).toEqual(await measureAll(source.adminUrl));
    const db = await openDatabase({ config: target.config, log: silentLog, migrations: fixtureSources });
    try {
      const count = await db.withTenant({ tenantId: tenantA }, (tx) =>
        tx.query<{ count: string }>({ text: 'select count(*) from app_notes.books' }),
      );
      expect(count).toEqual([{ count: '200' }]);
      // The identity goes on after the restored numbers, and foreign keys are back.
      await expect(
        db.withTenant({ tenantId: tenantA }, (tx) =>
          tx.query({
            text: 'insert into app_notes.books (id, tenant_id, title, parent_id) values ($1, $2, $3, $4)',
            values: [newId(), tenantA, 'x', newId()],
          }),
        ),
      ).rejects.toThrow(/foreign key/);
      const numbers = await db.withTenant({ tenantId: tenantA, userId: personA }, (tx) =>
        tx.query<{ number: string }>({
          text: 'insert into app_notes.diaries (id, tenant_id, owner_id, body) values ($1, $2, $3, $4) returning number',
          values: [newId(), tenantA, personA, 'x'],
        }),
      );
      expect(Number(numbers[0]?.number)).toBe(3);
    } finally {
      await db.close();
    }
  });
});

test('[K10.5] a backup is one instant: what is written meanwhile is not in it, by halves or whole', async () => {
  await using source = await createTestDatabase({ migrations: fixtureSources });
  await fill(source.db);
  const path = join(source.config.dataDir, 'busy.backup');
  let isDone = false;
  const writing = (async () => {
    while (!isDone) {
      await source.db.withTenant({ tenantId: tenantA }, async (tx) => {
        // Two rows in one transaction: a snapshot has both or neither.
        for (const what of ['left', 'right'])
          await tx.query({
            text: 'insert into app_notes.events (id, tenant_id, what) values ($1, $2, $3)',
            values: [newId(), tenantA, what],
          });
      });
    }
  })();
  await createBackup({ url: source.url, path, masterKey });
  isDone = true;
  await writing;
  const verified = await verifyBackup({ url: source.url, path, masterKey, migrations: fixtureSources });
  expect(verified.isRestored).toBe(true);
  expect((verified.rowCount - 404) % 2).toBe(0);
});

test('[K10.5] a backup is unreadable without the key, private to its owner, and a flipped or missing byte is found', async () => {
  await using source = await createTestDatabase({ migrations: fixtureSources });
  await fill(source.db);
  const path = join(source.config.dataDir, 'sealed.backup');
  await createBackup({ url: source.url, path, masterKey });
  const verify = (): Promise<unknown> => verifyBackup({ url: source.url, path, masterKey, migrations: fixtureSources });
  await verify();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const whole = readFileSync(path);
  expect(whole.includes('quotes')).toBe(false);
  await expect(
    verifyBackup({ url: source.url, path, masterKey: testSecrets.authSecret, migrations: fixtureSources }),
  ).rejects.toThrow('was made with another MASTER_KEY');
  await expect(verifyBackup({ url: source.url, path, migrations: fixtureSources })).rejects.toThrow(
    'MASTER_KEY is needed',
  );
  for (const position of [30, whole.length >> 2, whole.length >> 1, whole.length - 20, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[position] = (damaged[position] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    await expect(verify()).rejects.toMatchObject({ code: 'BACKUP_BROKEN' });
  }
  writeFileSync(path, whole.subarray(0, whole.length - 100));
  await expect(verify()).rejects.toMatchObject({ code: 'BACKUP_BROKEN' });
  expect(readdirSync(source.config.dataDir).filter((name) => name.endsWith('.partial'))).toEqual([]);
  const folder = verifyBackup({ url: source.url, path: source.config.dataDir, migrations: fixtureSources });
  await expect(folder).rejects.toMatchObject({ code: 'BACKUP_BROKEN', message: expect.stringMatching('is no file') });
});

test('[K10.5] without a key too a damaged backup is found by its digests', async () => {
  await using source = await createTestDatabase({ migrations: fixtureSources });
  const path = join(source.config.dataDir, 'open.backup');
  await createBackup({ url: source.url, path });
  await verifyBackup({ url: source.url, path, migrations: fixtureSources });
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length - 50));
  await expect(verifyBackup({ url: source.url, path, migrations: fixtureSources })).rejects.toMatchObject({
    code: 'BACKUP_BROKEN',
  });
});

test('[K10.5] a restore refuses a database in use or not empty, and a refused one changes nothing', async () => {
  await using source = await createTestDatabase({ migrations: fixtureSources });
  await fill(source.db);
  const path = join(source.config.dataDir, 'x.backup');
  await createBackup({ url: source.url, path, masterKey });
  const before = await measureAll(source.adminUrl);
  const restore = (isReplacing: boolean): Promise<unknown> =>
    restoreBackup({ url: source.url, path, masterKey, migrations: fixtureSources, isReplacing });
  await expect(restore(true)).rejects.toThrow('A server is working on this database');
  await source.db.close();
  await expect(restore(false)).rejects.toThrow('not empty');
  await expect(
    restoreBackup({ url: source.url, path, masterKey, migrations: fixtureSources.slice(0, 1), isReplacing: true }),
  ).rejects.toThrow('newer version');
  expect(await measureAll(source.adminUrl)).toEqual(before);
  await restore(true);
  expect(await measureAll(source.adminUrl)).toEqual(before);
});

test('[K10.5] a schema that no migration makes, such as the job engine’s, travels with its definition', async () => {
  await using source = await createTestDatabase({ migrations: fixtureSources });
  await using target = await createEmptyDatabase();
  const owner = await connectOnce(source.url);
  await owner.query(`
    create schema dbos;
    create table dbos.jobs (id text primary key, status text not null default 'new', at bigint not null default (extract(epoch from now()) * 1000)::bigint, number serial);
    create table dbos.steps (job_id text references dbos.jobs (id) on delete cascade, step int4, output text, primary key (job_id, step));
    create index steps_output on dbos.steps (output) where output is not null;
    create function dbos.enqueue(job text) returns void language plpgsql as $f$ begin insert into dbos.jobs (id) values (job); end $f$;
    select dbos.enqueue('one'); select dbos.enqueue('two');
    insert into dbos.steps values ('two', 1, 'done');`);
  await owner.end();
  const path = join(source.config.dataDir, 'jobs.backup');
  await createBackup({ url: source.url, path, masterKey });
  await restoreBackup({ url: target.url, path, masterKey, migrations: fixtureSources });
  const restored = await connectOnce(target.url);
  await restored.query(`select dbos.enqueue('three')`);
  const { rows } = await restored.query('select id, number from dbos.jobs order by number');
  expect(rows).toEqual([
    { id: 'one', number: 1 },
    { id: 'two', number: 2 },
    { id: 'three', number: 3 },
  ]);
  await restored.query(`delete from dbos.jobs where id = 'two'`);
  expect((await restored.query('select from dbos.steps')).rowCount).toBe(0);
  expect(
    (await restored.query(`select from pg_indexes where schemaname = 'dbos' and indexname = 'steps_output'`)).rowCount,
  ).toBe(1);
  await restored.end();
});
