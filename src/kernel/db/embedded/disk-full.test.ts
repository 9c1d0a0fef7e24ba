import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadConfig } from '#kernel/config';
import { newId } from '#kernel/ids';
import { makeTestFolder, silentLog } from '../../../testing/test-cluster.ts';
import { createBackup } from '../backup/create-backup.ts';
import { fixtureSources, tenantA } from '../fixtures/sources.ts';
import { openDatabase } from '../open-database.ts';
import type { Database } from '../types.ts';
import { prepareDataFolder } from './data-folder.ts';
import { childFailure } from './run-initdb.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A file system of its own that can be filled and enlarged; null where this process may not mount one. */
class SmallDisk implements Disposable {
  readonly path: string;
  private constructor(path: string) {
    this.path = path;
  }

  static mount(megabytes: number): SmallDisk | null {
    const path = makeTestFolder();
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', path]);
    if (status === 0) return new SmallDisk(path);
    rmSync(path, { recursive: true });
    return null;
  }

  resize(megabytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${megabytes}m`, this.path]);
  }

  /** Writes until nothing more fits. */
  fill(): void {
    const fd = openSync(join(this.path, 'ballast'), 'a');
    for (const size of [1 << 20, 4_096]) {
      const block = Buffer.alloc(size);
      try {
        for (;;) if (writeSync(fd, block) < size) break;
      } catch {
        // Full at this size.
      }
    }
    closeSync(fd);
  }

  free(): void {
    rmSync(join(this.path, 'ballast'), { force: true });
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}

function open(path: string): Promise<Database> {
  return openDatabase({ config: loadConfig({ DATA_DIR: path }).config, log: silentLog, migrations: fixtureSources });
}

/** What PostgreSQL cannot compress, so that the disk fills as fast as one writes. */
async function save(db: Database, bytes: number): Promise<string> {
  const what = randomBytes(bytes / 2).toString('hex');
  const values = [newId(), tenantA, what];
  await db.withTenant({ tenantId: tenantA }, (tx) =>
    tx.query({ text: 'insert into app_notes.events (id, tenant_id, what) values ($1, $2, $3)', values }),
  );
  return what;
}

const trial = SmallDisk.mount(1);
trial?.[Symbol.dispose]();

if (trial) {
  test('[K10.1] a disk too small for a first start is named as full, and with room the next start succeeds', async () => {
    using disk = SmallDisk.mount(24)!;
    const path = join(disk.path, 'data');
    await expect(open(path)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(path) as string,
    });
    disk.resize(400);
    const db = await open(path);
    await save(db, 1_000);
    await db.close();
  });

  test('[K10.1] a disk that fills in use refuses writes, loses nothing confirmed, and with room writes go on by themselves', async () => {
    using disk = SmallDisk.mount(200)!;
    const path = join(disk.path, 'data');
    const db = await open(path);
    const confirmed = [await save(db, 10_000)];
    disk.fill();
    let failure: unknown;
    for (let index = 0; index < 1_000 && !failure; index++) {
      await save(db, 200_000).then(
        (what) => confirmed.push(what),
        (error: unknown) => (failure = error),
      );
    }
    expect(failure).toBeInstanceOf(Error);
    disk.free();
    await expect
      .poll(
        () =>
          save(db, 10_000).then(
            (what) => confirmed.push(what) > 0,
            () => false,
          ),
        { timeout: 60_000, interval: 200 },
      )
      .toBe(true);
    const rows = await db.withTenant({ tenantId: tenantA }, (tx) =>
      tx.query<{ what: string }>({ text: 'select what from app_notes.events' }),
    );
    const there = new Set(rows.map((row) => row.what));
    expect(confirmed.filter((what) => !there.has(what))).toEqual([]);
    await db.close();
  });

  test('[K10.1] a start on a full disk says so, and a backup onto one leaves no half file', async () => {
    using disk = SmallDisk.mount(200)!;
    const path = join(disk.path, 'data');
    await (await open(path)).close();
    disk.fill();
    await expect(open(path)).rejects.toMatchObject({ code: 'DISK_FULL' });
    disk.free();
    const db = await open(path);
    await save(db, 400_000);
    using small = SmallDisk.mount(1)!;
    small.fill();
    const target = join(small.path, 'x.backup');
    await expect(createBackup({ url: db.urls.owner, path: target })).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(execFileSync('ls', [small.path], { encoding: 'utf8' })).toBe('ballast\n');
    await db.close();
  });
}

test('[K10.1] what PostgreSQL says of a full disk becomes one sentence for the operator', () => {
  const parent = makeTestFolder();
  chmodSync(parent, 0o711);
  const folder = prepareDataFolder(join(parent, 'data'));
  const error = childFailure(
    folder,
    'Starting the database',
    'FATAL:  could not write to file "pg_wal/xlogtemp.1": No space left on device',
  );
  expect(error).toMatchObject({
    code: 'DISK_FULL',
    message: `The disk that holds ${folder.root} is full. Free some space and start again; nothing was lost.`,
  });
  rmSync(parent, { recursive: true });
});
