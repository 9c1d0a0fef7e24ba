import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '#kernel/config';
import { newId } from '#kernel/ids';
import { makeTestFolder, silentLog } from '../../../testing/test-cluster.ts';
import { Holder } from '../fixtures/holder.ts';
import { fixtureSources, tenantA } from '../fixtures/sources.ts';
import { openDatabase } from '../open-database.ts';
import type { Database } from '../types.ts';
import { findBinaries } from './binaries.ts';
import { isReachable, prepareDataFolder } from './data-folder.ts';
import { findRunningPostmaster, readPostmasterFile } from './postmaster-file.ts';
import { stopPostmaster } from './postmaster.ts';
import { isProcessAlive, waitForExit } from './process-alive.ts';

/** Real servers, real fsync, several processes per test: on a busy machine that takes its time. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const isRoot = process.getuid?.() === 0;
/** An account every Unix has (`daemon`); initdb wants its user to have a name. */
const ordinary = { uid: 1, gid: 1 };
const nameless = { uid: 54_321, gid: 54_321 };
const users = [
  ['the user of the tests', undefined],
  // Only root can become somebody else; the sources must be readable by them.
  ...(isRoot && isReachable(fileURLToPath(new URL('.', import.meta.url)), ordinary)
    ? ([['an ordinary user', ordinary]] as const)
    : []),
] as const;

/** A data folder that takes its server and its files with it. */
class Folder implements AsyncDisposable {
  readonly parent = makeTestFolder();
  readonly path: string;

  /** A copy of a folder that a server was already started on once: initdb takes most of a test's time otherwise. */
  static used(user?: { readonly uid: number; readonly gid: number }): Folder {
    const folder = new Folder();
    // `cp` keeps modes and owners.
    execFileSync('cp', ['-a', prepared.path, folder.path]);
    if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder.parent]);
    return folder;
  }

  constructor(name = 'data') {
    this.path = join(this.parent, name);
    chmodSync(this.parent, 0o711);
  }

  get cluster(): string {
    return join(this.path, 'postgres', 'cluster');
  }

  get postmasterPid(): number {
    return readPostmasterFile(this.cluster)?.pid ?? 0;
  }

  open(): Promise<Database> {
    return openDatabase({
      config: loadConfig({ DATA_DIR: this.path }).config,
      log: silentLog,
      migrations: fixtureSources,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = findRunningPostmaster(this.cluster);
    if (running) await stopPostmaster(running.pid);
    rmSync(this.parent, { recursive: true, force: true });
  }
}

let prepared: Folder;
beforeAll(async () => {
  prepared = new Folder();
  const db = await prepared.open();
  await db.close();
});
afterAll(() => prepared[Symbol.asyncDispose]());

async function readRows(db: Database): Promise<string[]> {
  const rows = await db.withTenant({ tenantId: tenantA }, (tx) =>
    tx.query<{ what: string }>({ text: 'select what from app_notes.events' }),
  );
  return rows.map((row) => row.what);
}

function save(db: Database, what: string): Promise<unknown> {
  const values = [newId(), tenantA, what];
  return db.withTenant({ tenantId: tenantA }, (tx) =>
    tx.query({ text: 'insert into app_notes.events (id, tenant_id, what) values ($1, $2, $3)', values }),
  );
}

describe.each(users)('as %s', (_, user) => {
  test('[K10.1] [K1.3] the first start makes everything, private to its owner; later starts find it', async () => {
    await using folder = new Folder();
    if (user) chownSync(folder.parent, user.uid, user.gid);
    await using first = new Holder(folder.path, user);
    expect(await first.first()).toMatchObject({ ready: expect.any(Number) as number });
    await first.savedAtLeast(3);
    const postmaster = folder.postmasterPid;
    expect(await first.end()).toBe(0);
    expect(isProcessAlive(postmaster)).toBe(false);
    expect(statSync(join(folder.path, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(statSync(folder.cluster).mode & 0o777).toBe(0o700);
    // Never as root: PostgreSQL refuses, and a break-out would own the machine.
    expect(statSync(folder.cluster).uid).toBe(user?.uid ?? (isRoot ? 65_534 : process.getuid?.()));
    await using second = new Holder(folder.path, user);
    await second.savedAtLeast(1);
    await second.end();
    // Root may open what another user made, as that user's server.
    const db = await folder.open();
    expect(await readRows(db)).toEqual(expect.arrayContaining([...first.saved, ...second.saved]));
    await db.close();
  });

  test('[K10.1] a killed process leaves its server to the next one, with every confirmed row', async () => {
    await using folder = Folder.used(user);
    await using holder = new Holder(folder.path, user);
    await holder.savedAtLeast(25);
    const postmaster = folder.postmasterPid;
    await holder.kill();
    expect(isProcessAlive(postmaster)).toBe(true);
    await using successor = new Holder(folder.path, user);
    await successor.savedAtLeast(1);
    expect(folder.postmasterPid).toBe(postmaster);
    // Adopted, so ended by it too.
    expect(await successor.end()).toBe(0);
    expect(isProcessAlive(postmaster)).toBe(false);
    const db = await folder.open();
    expect(await readRows(db)).toEqual(expect.arrayContaining(holder.saved));
    await db.close();
  });

  test('[K10.1] process and server killed together: the next start recovers every confirmed row', async () => {
    await using folder = Folder.used(user);
    await using holder = new Holder(folder.path, user);
    await holder.savedAtLeast(25);
    process.kill(folder.postmasterPid, 'SIGKILL');
    await holder.kill();
    await using successor = new Holder(folder.path, user);
    expect(await successor.first()).toMatchObject({ ready: expect.any(Number) as number });
    await successor.end();
    const db = await folder.open();
    expect(await readRows(db)).toEqual(expect.arrayContaining(holder.saved));
    await db.close();
  });

  test('[K10.1] a second server on the same folder is refused with the first one’s name, and does not disturb it', async () => {
    await using folder = Folder.used(user);
    await using holder = new Holder(folder.path, user);
    await holder.first();
    await using second = new Holder(folder.path, user);
    const { failed, code } = await second.first();
    expect(code).toBe('ALREADY_RUNNING');
    expect(failed).toContain(
      `process ${holder.child.pid} on ${hostname()}, running since ${new Date().toISOString().slice(0, 10)}`,
    );
    await holder.savedAtLeast(holder.saved.length + 5);
  });
});

test('[K10.1] a server that dies in use is started again, with every confirmed row', async () => {
  await using folder = Folder.used();
  const db = await folder.open();
  for (let round = 0; round < 3; round++) {
    const postmaster = folder.postmasterPid;
    await save(db, `before ${round}`);
    process.kill(postmaster, 'SIGKILL');
    expect(await waitForExit(postmaster, 5_000)).toBe(true);
    await expect
      .poll(
        () =>
          save(db, `after ${round}`).then(
            () => 'saved',
            () => 'not yet',
          ),
        { timeout: 30_000 },
      )
      .toBe('saved');
    expect(folder.postmasterPid).not.toBe(postmaster);
  }
  expect(await readRows(db)).toEqual(
    expect.arrayContaining([0, 1, 2].flatMap((round) => [`before ${round}`, `after ${round}`])),
  );
  await db.close();
});

test('[K10.1] an adopted server that dies is started again too', async () => {
  await using folder = Folder.used();
  await using holder = new Holder(folder.path);
  await holder.savedAtLeast(1);
  const postmaster = folder.postmasterPid;
  await holder.kill();
  const db = await folder.open();
  expect(folder.postmasterPid).toBe(postmaster);
  process.kill(postmaster, 'SIGKILL');
  await expect
    .poll(
      () =>
        save(db, 'again').then(
          () => 'saved',
          () => 'not yet',
        ),
      { timeout: 30_000 },
    )
    .toBe('saved');
  await db.close();
});

test('[K10.1] a leftover server started with other settings is stopped and started anew', async () => {
  await using folder = Folder.used();
  await using holder = new Holder(folder.path);
  await holder.savedAtLeast(1);
  const postmaster = folder.postmasterPid;
  await holder.kill();
  writeFileSync(join(folder.path, 'postgres', 'launch.json'), 'an older version');
  const db = await folder.open();
  expect(folder.postmasterPid).not.toBe(postmaster);
  expect(await readRows(db)).toEqual(expect.arrayContaining(holder.saved));
  await db.close();
});

test('[K10.1] an interrupted first start is cleared away by the next', async () => {
  await using folder = Folder.used();
  const db = await folder.open();
  await db.close();
  rmSync(join(folder.cluster, '.complete'));
  rmSync(join(folder.cluster, 'global'), { recursive: true });
  const again = await folder.open();
  expect(await readRows(again)).toEqual([]);
  await again.close();
});

test('[K10.1] the server is durable, closed to the network and asks everybody for a password', async () => {
  await using folder = Folder.used();
  const db = await folder.open();
  const settings = await db.withSystem('a test', (tx) =>
    tx.query<{ name: string; setting: string }>({
      text: `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses', 'data_checksums', 'server_version_num')`,
    }),
  );
  const { server_version_num: version, ...rest } = Object.fromEntries(settings.map((row) => [row.name, row.setting]));
  expect(Number(version)).toBeGreaterThanOrEqual(180_000);
  expect(rest).toEqual({
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    listen_addresses: '',
    data_checksums: 'on',
  });
  const methods = readFileSync(join(folder.cluster, 'pg_hba.conf'), 'utf8')
    .split('\n')
    .filter((line) => /^\w/.test(line))
    .map((line) => line.trim().split(/\s+/).at(-1));
  expect([...new Set(methods)]).toEqual(['scram-sha-256']);
  await db.close();
});

test('[K10.1] a data folder whose path is too long for a socket works all the same', async () => {
  await using folder = new Folder(`deep/${'long-name-'.repeat(12)}`);
  const db = await folder.open();
  await save(db, 'far away');
  await db.close();
  const { socketDir } = prepareDataFolder(folder.path);
  expect(socketDir.startsWith(folder.path)).toBe(false);
  expect(statSync(socketDir).mode & 0o777).toBe(0o700);
  rmSync(socketDir, { recursive: true });
});

test('[K1.2] a data folder that is a file, or that cannot be written, is named in a sentence', async () => {
  await using folder = new Folder();
  writeFileSync(folder.path, 'a file');
  await expect(folder.open()).rejects.toThrow(folder.path);
  rmSync(folder.path);
  if (isRoot) {
    // Root may write anywhere, so somebody else tries.
    await using holder = new Holder(folder.path, ordinary);
    expect((await holder.first()).failed).toContain(folder.path);
  } else {
    mkdirSync(folder.path, { mode: 0o500 });
    await expect(folder.open()).rejects.toThrow(folder.path);
  }
  expect(existsSync(folder.cluster)).toBe(false);
});

if (isRoot) {
  test('[K1.2] a folder above that is closed to the database’s user is named, as is a user without an account', async () => {
    await using closed = new Folder();
    chmodSync(closed.parent, 0o700);
    await expect(closed.open()).rejects.toThrow(`${closed.path} cannot be reached by the unprivileged user`);
    await using folder = new Folder();
    chownSync(folder.parent, nameless.uid, nameless.gid);
    await using holder = new Holder(folder.path, nameless);
    expect((await holder.first()).failed).toContain('User 54321 has no account on this machine');
  });

  test('[K10.1] programs in a folder that is closed to the database’s user are copied to where it can run them', async () => {
    await using folder = new Folder();
    const data = prepareDataFolder(folder.path);
    const original = findBinaries(data);
    const closed = join(folder.parent, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    cpSync(dirname(dirname(original.postgres)), join(closed, 'package', 'native'), { recursive: true });
    const copied = findBinaries(data, { folder: join(closed, 'package'), version: 'x' });
    expect(copied.postgres.startsWith(folder.path)).toBe(true);
    expect(spawnSync(copied.postgres, ['--version'], { ...data.runAs, encoding: 'utf8' }).stdout).toMatch(
      /PostgreSQL\) 18/,
    );
    expect(findBinaries(data, { folder: join(closed, 'package'), version: 'x' })).toEqual(copied);
  });
}
