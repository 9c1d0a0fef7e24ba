import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { Config } from '#kernel/config';
import { createEmptyDatabase } from '#testing/database';
import { silentLog } from '../../testing/test-cluster.ts';
import { kernelSource } from './fixtures/sources.ts';
import type { MigrationSource } from './migration-files.ts';
import { backupFolder, openDatabase } from './open-database.ts';
import { connectOnce } from './pools.ts';
import { verifyBackup } from './backup/verify-backup.ts';

/** A module whose migrations the test writes as it goes. */
class ScratchModule implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'bulkhead-migrations-'));
  readonly sources: readonly MigrationSource[] = [
    kernelSource,
    { module: 'scratch', directory: pathToFileURL(`${this.folder}/`) },
  ];

  constructor(files: Record<string, string>) {
    for (const [name, sql] of Object.entries(files)) this.write(name, sql);
  }

  write(name: string, sql: string): void {
    writeFileSync(join(this.folder, name), sql);
  }

  remove(name: string): void {
    rmSync(join(this.folder, name));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const first = {
  '0001_first.sql':
    'create schema app_scratch; create table app_scratch.things (id integer primary key); insert into app_scratch.things values (1);',
};

async function start(config: Config, module: ScratchModule): Promise<void> {
  const db = await openDatabase({ config, log: silentLog, migrations: module.sources });
  await db.close();
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = await connectOnce(url);
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const applied = `select module, version, name from kernel.migrations where module = 'scratch' order by version`;

test('[K10.2] a released migration that was changed is refused by name', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule(first);
  await start(database.config, module);
  module.write('0001_first.sql', `${first['0001_first.sql']} -- harmless?`);
  await expect(start(database.config, module)).rejects.toMatchObject({
    code: 'MIGRATION_CHANGED',
    message: expect.stringContaining('scratch/0001_first') as string,
  });
});

test('[K10.2] a checkout with other line ends is the same migration', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule({ '0001_first.sql': 'create schema app_scratch;\n-- two lines\n' });
  await start(database.config, module);
  module.write('0001_first.sql', 'create schema app_scratch;\r\n-- two lines\r\n');
  await start(database.config, module);
});

test('[K10.2] a database made by a newer version is refused by name', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule({ ...first, '0002_second.sql': 'select 1' });
  await start(database.config, module);
  module.remove('0002_second.sql');
  await expect(start(database.config, module)).rejects.toMatchObject({
    code: 'SCHEMA_NEWER',
    message: expect.stringContaining('scratch/0002_second') as string,
  });
});

test('[K10.2] a number slipped in behind one already applied is refused', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule({ ...first, '0003_third.sql': 'select 3' });
  await start(database.config, module);
  module.write('0002_second.sql', 'select 2');
  await expect(start(database.config, module)).rejects.toMatchObject({ code: 'MIGRATION_OUT_OF_ORDER' });
});

test('[K10.2] two servers starting at once on a fresh database migrate it once', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule(first);
  await Promise.all([1, 2, 3, 4].map(() => start(database.config, module)));
  expect(await query(database.url, applied)).toEqual([{ module: 'scratch', version: 1, name: 'first' }]);
  expect(await query(database.url, 'select id from app_scratch.things')).toEqual([{ id: 1 }]);
});

test('[K10.2] a failing migration is rolled back whole, names its line, and those before it stand', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule(first);
  await start(database.config, module);
  module.write('0002_good.sql', 'insert into app_scratch.things values (2);');
  module.write(
    '0003_bad.sql',
    'insert into app_scratch.things values (3);\ncreate table app_scratch.more (id integer);\ninsert into app_scratch.nowhere values (1);',
  );
  await expect(start(database.config, module)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringMatching(
      /scratch\/0003_bad failed at line 3: relation "app_scratch.nowhere" does not exist/,
    ) as string,
  });
  expect(await query(database.url, 'select id from app_scratch.things order by id')).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await query(database.url, `select to_regclass('app_scratch.more')::text as more`)).toEqual([{ more: null }]);
  module.write('0003_bad.sql', 'insert into app_scratch.things values (3);');
  await start(database.config, module);
  expect(await query(database.url, 'select count(*)::int as count from app_scratch.things')).toEqual([{ count: 3 }]);
});

test('[K10.2] a first start that fails leaves an empty database, on which the mended one succeeds', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule({ ...first, '0002_bad.sql': 'select nonsense' });
  await expect(start(database.config, module)).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });
  expect(await query(database.url, `select to_regclass('kernel.migrations')::text as migrations`)).toEqual([
    { migrations: null },
  ]);
  module.write('0002_bad.sql', 'select 1');
  await start(database.config, module);
});

test('[K10.2] before a database with data is changed, a backup is made and restored once to prove it', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule(first);
  await start(database.config, module);
  module.write('0002_destroy.sql', 'delete from app_scratch.things;');
  await start(database.config, module);
  expect(await query(database.url, 'select id from app_scratch.things')).toEqual([]);
  const [name = ''] = readdirSync(backupFolder(database.config));
  expect(name).toMatch(/^before-migration-.*\.backup$/);
  const verified = await verifyBackup({
    path: join(backupFolder(database.config), name),
    masterKey: database.config.masterKey,
    url: database.url,
    migrations: module.sources,
  });
  expect(verified).toMatchObject({ rowCount: 1, isRestored: true });
});

test('[K10.2] when the backup cannot be made the database is not changed', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule(first);
  await start(database.config, module);
  module.write('0002_more.sql', 'insert into app_scratch.things values (2);');
  // A file where the folder of backups should be.
  writeFileSync(backupFolder(database.config), 'in the way');
  await expect(start(database.config, module)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
  expect(await query(database.url, 'select id from app_scratch.things')).toEqual([{ id: 1 }]);
});

test('[K10.2] a misnamed migration is refused before anything runs', async () => {
  await using database = await createEmptyDatabase();
  using module = new ScratchModule({ '1_short.sql': 'select 1' });
  await expect(start(database.config, module)).rejects.toThrow('a migration is named NNNN_what_it_does.sql');
});
