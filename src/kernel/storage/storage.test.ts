/** Objects are whole or absent, belong to one organisation, and their bytes go when their row goes. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { canMountSmallDisk, SmallDisk } from '#testing/small-disk';
import { createObjectStore, type NewObject, type ObjectStore } from './index.ts';
import { createLocalBlobStore } from './local-blob-store.ts';

const log = createLogger({ level: 'silent' });
const maxBytes = 1024 * 1024;
let ground: TestDatabase;
let root: string;
let store: ObjectStore;
let scope: { tenantId: string };

beforeAll(async () => {
  ground = await createTestDatabase();
  root = join(ground.config.dataDir, 'objects');
});

beforeEach(async () => {
  await rm(root, { recursive: true, force: true });
  store = createObjectStore({ config: ground.config, db: ground.db, log });
  scope = { tenantId: newId() };
});

afterEach(async () => {
  await store.close();
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

function textObject(text = 'hello', more: Partial<NewObject> = {}): NewObject {
  return { filename: 'note.txt', contentType: 'text/plain', body: Buffer.from(text), maxBytes, ...more };
}

/** Every file below the store's folder, unfinished ones included. */
async function listFiles(): Promise<string[]> {
  const entries = existsSync(root) ? await readdir(root, { recursive: true, withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function countRows(): Promise<number> {
  return (await ground.db.withTenant(scope, (tx) => tx.query({ text: 'select id from kernel.objects' }))).length;
}

const remove = (id: string) => ground.db.withTenant(scope, (tx) => store.remove(tx, id));

/** Makes every file look as if it was written two hours ago. */
async function age(): Promise<void> {
  const past = new Date(Date.now() - 2 * 3_600_000);
  for (const file of await listFiles()) await utimes(file, past, past);
}

/** A body that sends some bytes and then does something. */
async function* bodyOf(chunks: readonly Buffer[], then: () => void = () => undefined) {
  for (const chunk of chunks) {
    yield chunk;
    await setImmediate();
  }
  then();
}

test('[K13.1] what was put is read back, with its size and digest, and lies in the folder of its organisation', async () => {
  const bytes = randomBytes(300_000);
  const object = await store.put(
    scope,
    textObject('', { body: Readable.from(bodyOf([bytes.subarray(0, 1000), bytes.subarray(1000)])) }),
  );
  expect(object).toEqual({
    id: object.id,
    tenantId: scope.tenantId,
    filename: 'note.txt',
    contentType: 'text/plain',
    sizeBytes: 300_000,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  expect(await store.find(scope, object.id)).toEqual(object);
  expect(Buffer.from(await store.readAll(scope, object.id)).equals(bytes)).toBe(true);
  const path = join(root, scope.tenantId, object.id.slice(-2), object.id);
  expect(await listFiles()).toEqual([path]);
  expect((await stat(path)).mode & 0o077).toBe(0);
  expect((await stat(dirname(path))).mode & 0o077).toBe(0);
});

test('[K13.1] an empty object is an object', async () => {
  const object = await store.put(scope, textObject(''));
  expect(object.sizeBytes).toBe(0);
  expect(await store.readAll(scope, object.id)).toHaveLength(0);
});

test('[K3.2] an organisation cannot find, read or remove the object of another', async () => {
  const object = await store.put(scope, textObject());
  const other = { tenantId: newId() };
  expect(await store.find(other, object.id)).toBeNull();
  await expect(store.read(other, object.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await ground.db.withTenant(other, (tx) => store.remove(tx, object.id));
  await store.sweep();
  expect(Buffer.from(await store.readAll(scope, object.id)).toString()).toBe('hello');
});

test('[K13.1] a body longer than allowed is refused as soon as it is, and nothing is left', async () => {
  let sent = 0;
  const body = Readable.from(
    (async function* () {
      for (; sent < 100; sent += 1) yield Buffer.alloc(64 * 1024);
    })(),
    { highWaterMark: 1 },
  );
  await expect(store.put(scope, textObject('', { body }))).rejects.toMatchObject({
    code: 'PAYLOAD_TOO_LARGE',
    status: 413,
  });
  expect(sent).toBeLessThan(25);
  expect(await listFiles()).toEqual([]);
  expect(await countRows()).toBe(0);
});

test('[K13.1] a body of exactly the allowed length is taken', async () => {
  const object = await store.put(scope, textObject('', { body: Buffer.alloc(maxBytes) }));
  expect(object.sizeBytes).toBe(maxBytes);
});

test('[K13.1] an upload that breaks off leaves nothing', async () => {
  const body = Readable.from(
    bodyOf([randomBytes(100_000)], () => {
      throw new Error('the client went away');
    }),
  );
  await expect(store.put(scope, textObject('', { body }))).rejects.toThrow('the client went away');
  expect(await listFiles()).toEqual([]);
  expect(await countRows()).toBe(0);
});

test('[K13.1] when the row cannot be written, the bytes do not stay', async () => {
  const failing = createObjectStore({
    config: ground.config,
    log,
    db: {
      withSystem: ground.db.withSystem.bind(ground.db),
      withTenant: (given, work) =>
        ground.db.withTenant(given, async (tx) => {
          const result = await work(tx);
          const [row] = await tx.query<{ count: string }>({ text: 'select count(*) from kernel.objects' });
          if (row?.count === '1') throw new Error('no commit');
          return result;
        }),
    },
  });
  await expect(failing.put(scope, textObject())).rejects.toThrow('no commit');
  expect(await listFiles()).toEqual([]);
  expect(await countRows()).toBe(0);
});

test('[K13.1] when nobody knows whether the row was written, the bytes stay for the sweeper to judge', async () => {
  let isDatabaseAway = false;
  const losing = createObjectStore({
    config: ground.config,
    log,
    db: {
      withSystem: ground.db.withSystem.bind(ground.db),
      async withTenant(given, work) {
        if (isDatabaseAway) throw new Error('connection refused');
        const result = await ground.db.withTenant(given, work);
        isDatabaseAway = true;
        throw new Error(`the connection broke after the commit of ${String(result)}`);
      },
    },
  });
  await expect(losing.put(scope, textObject())).rejects.toThrow('the connection broke');
  await age();
  expect(await store.sweep()).toEqual({ removed: 0, orphans: 0 });
  expect(await listFiles()).toHaveLength(1);
  expect(await countRows()).toBe(1);
});

test('[K13.1] deleting the row deletes the object, but not before the transaction commits', async () => {
  const object = await store.put(scope, textObject());
  const failing = ground.db.withTenant(scope, async (tx) => {
    await store.remove(tx, object.id);
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  await store.sweep();
  expect(await listFiles()).toHaveLength(1);

  await remove(object.id);
  expect(await store.find(scope, object.id)).toBeNull();
  // No sweep is asked for: the removal itself sees to it.
  await expect.poll(listFiles, { timeout: 10_000 }).toEqual([]);
});

test('[K13.1] a row deleted by other means than remove takes its bytes along too', async () => {
  await store.put(scope, textObject());
  await ground.db.withTenant(scope, (tx) => tx.query({ text: 'delete from kernel.objects' }));
  expect((await store.sweep()).removed).toBe(1);
  expect(await listFiles()).toEqual([]);
});

test('[K13.1] many removals are swept by two processes at once, each once', async () => {
  for (let i = 0; i < 130; i += 1) await store.put(scope, textObject(String(i)));
  await ground.db.withTenant(scope, (tx) => tx.query({ text: 'delete from kernel.objects' }));
  const other = createObjectStore({ config: ground.config, db: ground.db, log });
  const [one, two] = await Promise.all([store.sweep(), other.sweep()]);
  expect(one.removed + two.removed).toBe(130);
  expect(await listFiles()).toEqual([]);
});

test('[K16.2] a file that cannot be deleted holds up no other, is named by an error, and goes once it can', async () => {
  const stuck = await store.put(scope, textObject());
  const path = join(root, scope.tenantId, stuck.id.slice(-2), stuck.id);
  await rm(path);
  await mkdir(path); // no rights needed to be undeletable, also for root
  for (let i = 0; i < 120; i += 1) await store.put(scope, textObject(String(i)));
  await ground.db.withTenant(scope, (tx) => tx.query({ text: 'delete from kernel.objects' }));
  await expect(store.sweep()).rejects.toThrow('1 removed files could not be deleted');
  expect(await listFiles()).toEqual([]);
  await rm(path, { recursive: true });
  expect((await store.sweep()).removed).toBe(1);
});

test('[K13.1] the sweeper removes old bytes without a row and old unfinished uploads, and nothing else', async () => {
  const kept = await store.put(scope, textObject());
  const orphanId = newId();
  const orphan = join(root, scope.tenantId, orphanId.slice(-2), orphanId);
  const misplaced = join(root, scope.tenantId, 'zz', newId());
  const unfinished = join(root, '.unfinished', 'left-by-a-crash');
  const note = join(root, 'note-of-the-operator.txt');
  await Promise.all([orphan, misplaced].map((path) => mkdir(dirname(path), { recursive: true })));
  await Promise.all([orphan, misplaced, unfinished, note].map((path) => writeFile(path, 'left over')));
  expect(await store.sweep()).toEqual({ removed: 0, orphans: 0 });
  expect(await listFiles()).toHaveLength(5);
  await age();
  expect(await store.sweep()).toEqual({ removed: 0, orphans: 2 });
  expect(await listFiles()).toEqual(expect.arrayContaining([misplaced, note]));
  expect(await listFiles()).toHaveLength(3);
  expect(Buffer.from(await store.readAll(scope, kept.id)).toString()).toBe('hello');
});

test('[K13.1] names and types of uploaders cannot become paths, headers or disguises', async () => {
  const object = await store.put(
    scope,
    textObject('x', { filename: '../../etc/\u202Efdp.exe\r\n', contentType: 'text/html\r\nx: y' }),
  );
  expect(object).toMatchObject({ filename: '../../etc/fdp.exe', contentType: 'application/octet-stream' });
  expect((await store.put(scope, textObject('x', { filename: '\0' }))).filename).toBe('file');
  expect((await store.put(scope, textObject('x', { filename: 'ä'.repeat(400) + '.png' }))).filename).toHaveLength(255);
  await expect(store.find(scope, '../../secret')).rejects.toThrow(/uuid/);
});

test('[K15.1] ping says when the store cannot be written', async () => {
  await store.ping();
  expect(await listFiles()).toEqual([]);
  await rm(root, { recursive: true, force: true });
  await writeFile(root, 'a file where the folder should be');
  await expect(store.ping()).rejects.toThrow(/ENOTDIR|EEXIST/);
});

function registerFullDiskTest(): void {
  test('[K13.1] on a full disk an upload is refused with STORAGE_FULL and nothing is left behind', async () => {
    using disk = new SmallDisk();
    const blobs = createLocalBlobStore(join(disk.path, 'objects'));
    const onSmallDisk = createObjectStore({ config: ground.config, db: ground.db, log, blobs });
    const bytes = (count: number) => textObject('', { body: Buffer.alloc(count, 1), maxBytes: 10_000_000 });
    const small = await onSmallDisk.put(scope, bytes(100_000));
    const { freeBytes } = disk;

    await expect(onSmallDisk.put(scope, bytes(2_000_000))).rejects.toMatchObject({ code: 'STORAGE_FULL', status: 507 });
    expect(disk.freeBytes).toBe(freeBytes);
    expect(await readdir(join(disk.path, 'objects', '.unfinished'))).toEqual([]);
    expect(await countRows()).toBe(1);
    expect(await onSmallDisk.readAll(scope, small.id)).toHaveLength(100_000);
    expect((await onSmallDisk.put(scope, bytes(100_000))).sizeBytes).toBe(100_000);
  });
}

// Mounting takes rights that a run may not have; one that says it must test this fails without them.
const isMountRequired = (process.env['BULKHEAD_TEST_REQUIRE'] ?? '').split(',').includes('mount');
if (isMountRequired || canMountSmallDisk()) registerFullDiskTest();
