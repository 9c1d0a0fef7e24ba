/** The master key changes under a running server, whenever the command is killed, and nothing is ever unreadable. */
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureEmbeddedSecrets, loadConfig, readEmbeddedSecrets, type Config } from '#kernel/config';
import { backupFolder, type Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import { assertMasterKeys, createSecretBox, masterKeyId, type SecretBox, type SecretPlace } from '#kernel/secrets';
import { createTestDatabase } from '#testing/database';
import { composeBulkhead, type Bulkhead } from '../compose.ts';
import { makeTestFolder, silentLog, testSecrets } from '../testing/test-cluster.ts';

const kills = 20;
const renewalKills = 6;
const mostStored = 200;
const plaintext = 'sk-live-0123456789abcdef';
const folder = makeTestFolder();
const dataDir = join(folder, 'data');
let config: Config;
let bulkhead: Bulkhead;
interface Stored {
  readonly place: SecretPlace;
  /** What it opens to; two texts while one replaces the other. */
  texts: readonly string[];
}

/** Every credential stored. */
const stored: Stored[] = [];

beforeAll(async () => {
  chmodSync(folder, 0o711);
  ({ config } = loadConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'silent', DRAIN_SECONDS: '0' }));
  bulkhead = await composeBulkhead({ config, log: silentLog, apps: [] });
  for (let i = 0; i < 120; i += 1) stored.push(await storeNew(bulkhead.services.secrets));
}, 120_000);

afterAll(async () => {
  await bulkhead?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** storeNew stores a credential as a server does. */
async function storeNew(box: SecretBox, db: Database = bulkhead.services.db): Promise<Stored> {
  const rowId = newId();
  const place = { tenantId: newId(), table: 'kernel.model_connections', column: 'api_key_ciphertext', rowId };
  await db.withTenant(place, async (tx) =>
    tx.query({
      text: `insert into kernel.model_connections (id, tenant_id, name, kind, base_url, api_key_ciphertext)
             values ($1, $2, 'one', 'anthropic', 'https://example.com', $3)`,
      values: [rowId, place.tenantId, await box.seal(tx, place, plaintext)],
    }),
  );
  return { place, texts: [plaintext] };
}

/** replaceStored puts another credential in its place; a server's caller tries again when a renewal came between. */
async function replaceStored(one: Stored, box: SecretBox): Promise<void> {
  const next = `sk-live-${newId()}`;
  one.texts = [...one.texts, next];
  const replace = () =>
    bulkhead.services.db.withTenant(one.place, async (tx) =>
      tx.query({
        text: 'update kernel.model_connections set api_key_ciphertext = $2 where id = $1',
        values: [one.place.rowId, await box.seal(tx, one.place, next)],
      }),
    );
  await replace().catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== '40001') throw error;
    return replace();
  });
  one.texts = [next];
}

function openStored({ place }: Stored, box: SecretBox, db = bulkhead.services.db) {
  return db.withTenant(place, async (tx) => {
    const [row] = await tx.query<{ text: string }>({
      text: 'select api_key_ciphertext as text from kernel.model_connections where id = $1',
      values: [place.rowId],
    });
    return box.open(tx, place, row?.text ?? '');
  });
}

/** newBox is what another process that starts now would have; it caches nothing of ours. */
function newBox(given = config): SecretBox {
  const read = () => {
    const { masterKey = '', masterKeyPrevious } = ensureEmbeddedSecrets(given);
    return { masterKey, previousMasterKeys: masterKeyPrevious };
  };
  return createSecretBox({ ...read(), reload: read });
}

async function expectToOpen(one: Stored, box: SecretBox): Promise<void> {
  const before = one.texts;
  const text = await openStored(one, box);
  expect([...before, ...one.texts]).toContain(text);
}

async function openAll(box: SecretBox): Promise<void> {
  for (const one of stored) await expectToOpen(one, box);
}

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

const runKeys = (args: readonly string[], environment?: Readonly<Record<string, string>>, killAfter?: number) =>
  runCli(['keys', ...args], environment, killAfter);

/** runCli runs the command line; with `killAfter` it is killed that many milliseconds after its first line. */
function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = { DATA_DIR: dataDir },
  killAfter?: number,
): Promise<Outcome> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let errors = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (lines.push(line) === 1 && killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
  });
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, lines, errors })));
}

interface Key {
  readonly id: string;
  readonly state: string;
  readonly dataKeys: number;
  readonly retiredDataKeys: number;
  readonly sealed: Readonly<Record<string, number>>;
}

const listKeys = async (environment?: Readonly<Record<string, string>>): Promise<Key[]> =>
  JSON.parse((await runKeys(['list', '--json'], environment)).lines.join('\n')) as Key[];

/** useAllTheWhile stores, replaces and opens until stopped: with the server's own box, and with one of a new process. */
function useAllTheWhile(): () => Promise<number> {
  let isOver = false;
  const using = (async () => {
    let uses = 0;
    while (!isOver) {
      const fresh = newBox();
      // Each is opened after each kill, so that their number must not grow with the machine's slowness.
      if (stored.length < mostStored) stored.push(await storeNew(bulkhead.services.secrets));
      for (const box of [fresh, bulkhead.services.secrets]) {
        const one = stored[Math.floor(Math.random() * stored.length)] as Stored;
        await expectToOpen(one, box);
        await replaceStored(one, box);
        await expectToOpen(one, newBox());
        uses += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return uses;
  })();
  return () => {
    isOver = true;
    return using;
  };
}

test(`[K9.2] killed ${kills} times at any moment and repeated, a rotation finishes, with nothing unreadable meanwhile`, async () => {
  const first = masterKeyId(readEmbeddedSecrets(dataDir).masterKey);
  const stop = useAllTheWhile();
  let killed = 0;
  for (let attempt = 0; killed < kills && attempt < kills * 2; attempt += 1) {
    const outcome = await runKeys(['rotate', '--batch', '2'], undefined, Math.random() * 150);
    if (outcome.code === null) killed += 1;
    else expect([outcome.code, outcome.errors]).toEqual([0, '']);
    // Whoever starts now, in the middle of it, reads everything.
    await openAll(newBox());
  }
  expect(killed).toBe(kills);
  const last = await runKeys(['rotate']);
  expect(await stop()).toBeGreaterThan(kills);
  expect([last.code, last.errors]).toEqual([0, '']);
  await openAll(newBox());
  await openAll(bulkhead.services.secrets);

  const again = await runKeys(['rotate']);
  expect(again.lines[0]).toBe('A fresh master key is in place.');
  expect(again.lines.at(-2)).toMatch(/^Rewrapped (\d+) of \1 data keys\.$/);
  const keys = await listKeys();
  expect(keys[0]).toMatchObject({ state: 'current', id: masterKeyId(readEmbeddedSecrets(dataDir).masterKey) });
  expect(keys[0]?.dataKeys).toBe(stored.length);
  expect(keys.slice(1).map(({ state, dataKeys }) => [state, dataKeys])).toEqual(
    keys.slice(1).map(() => ['previous', 0]),
  );
  expect(keys.at(-1)?.id).toBe(first);
  expect(readEmbeddedSecrets(dataDir).isRotating).toBe(false);
  expect(readdirSync(dataDir).filter((name) => name.startsWith('.secrets-'))).toEqual([]);
}, 240_000);

test('[K9.2] a running server wraps new data keys under the new master key at once', async () => {
  await runKeys(['rotate']);
  stored.push(await storeNew(bulkhead.services.secrets));
  const keys = await listKeys();
  expect(keys.map(({ dataKeys }) => dataKeys)).toEqual([stored.length, ...keys.slice(1).map(() => 0)]);
});

test('[K7.2] the trails are verified while the server of the data folder goes on', async () => {
  const { db, audit } = bulkhead.services;
  const tenantId = newId();
  const actor = { kind: 'system', reason: 'test' } as const;
  await db.withTenant({ tenantId }, (tx) => audit.record(tx, { action: 'a.b.c', resource: 'x:y', actor, tenantId }));
  const outcome = await runCli(['audit', 'verify', '--json']);
  expect([outcome.code, outcome.errors]).toEqual([0, '']);
  expect(JSON.parse(outcome.lines.join('\n'))).toContainEqual({ tenantId, checked: 1, brokenAt: null });
});

test('[K9.2] a key of the data folder that is needed and missing ends the start with its id', async () => {
  const { db } = bulkhead.services;
  const { masterKey } = readEmbeddedSecrets(dataDir);
  const { masterKey: foreign } = readEmbeddedSecrets(join(folder, 'foreign'));
  await assertMasterKeys(db, { masterKey: foreign, previousMasterKeys: [masterKey] });
  await expect(assertMasterKeys(db, { masterKey: foreign, previousMasterKeys: [] })).rejects.toThrow(
    new RegExp(`DATA_DIR: its secrets.json lacks the master key with the id ${masterKeyId(masterKey)} `),
  );
});

const listDataKeys = async () =>
  (
    await bulkhead.services.db.withSystem('test', (tx) =>
      tx.query<{ id: string }>({ text: 'select id from kernel.data_keys' }),
    )
  ).map(({ id }) => id);

test(`[K9.2] killed ${renewalKills} times at any moment and repeated, a renewal of data keys moves every text and ends every old key`, async () => {
  const oldKeys = new Set(await listDataKeys());
  expect(oldKeys.size).toBeGreaterThan(100);
  const stop = useAllTheWhile();
  let killed = 0;
  for (let attempt = 0; killed < renewalKills && attempt < renewalKills * 3; attempt += 1) {
    const outcome = await runKeys(['rotate', '--data-keys', '--batch', '5'], undefined, Math.random() * 2_500);
    if (outcome.code === null) killed += 1;
    else expect([outcome.code, outcome.errors]).toEqual([0, '']);
    await openAll(newBox());
  }
  expect(killed).toBe(renewalKills);
  const last = await runKeys(['rotate', '--data-keys']);
  expect([last.code, last.errors]).toEqual([0, '']);
  expect(await stop()).toBeGreaterThan(renewalKills);

  const [current] = await listKeys();
  const column = 'kernel.model_connections.api_key_ciphertext';
  expect(current).toMatchObject({ state: 'current', retiredDataKeys: 0, sealed: { [column]: stored.length } });
  expect((await listDataKeys()).filter((id) => oldKeys.has(id))).toEqual([]);
  await openAll(newBox());
  await openAll(bulkhead.services.secrets);
}, 420_000);

test('[K9.2] the list tells what a key protects, and that a renewal was interrupted', async () => {
  const { db } = bulkhead.services;
  await db.withSystem('test', (tx) =>
    tx.query({
      text: 'update kernel.data_keys set retired_at = now() where tenant_id = $1',
      values: [stored[0]?.place.tenantId],
    }),
  );
  const { lines } = await runKeys(['list']);
  expect(lines[0]).toMatch(/current .*, 1 of them retired$/);
  expect(lines[1]).toMatch(
    new RegExp(String.raw`protects +${stored.length} × kernel\.model_connections\.api_key_ciphertext`),
  );
  expect(lines.at(-1)).toMatch(/^A renewal of data keys runs or was interrupted/);
  const outcome = await runKeys(['rotate', '--data-keys']);
  expect(outcome.lines).toContain('A renewal of data keys was interrupted; it goes on with 1 old data keys.');
  expect(outcome.lines).toContain('Sealed 1 texts anew; 1 old data keys are gone.');
  expect((await runKeys(['list'])).lines.join('\n')).not.toMatch(/retired|interrupted/);
});

test('[K9.2] [K10.5] a backup made before a rotation is read after it, until its key is forgotten', async () => {
  const { runBackup, runVerify } = await import('./backup.ts');
  const lines: string[] = [];
  const command = { config, print: (line: string) => void lines.push(line) };
  await runBackup(command);
  const path = join(backupFolder(config), readdirSync(backupFolder(config)).at(-1) ?? '');
  const old = masterKeyId(readEmbeddedSecrets(dataDir).masterKey);
  await runKeys(['rotate']);
  await runVerify(command, path);
  expect(lines.at(-1)).toMatch(/is whole/);

  const current = masterKeyId(readEmbeddedSecrets(dataDir).masterKey);
  expect((await runKeys(['forget', current])).errors).toMatch(/no replaced master key/);
  const before = readFileSync(join(dataDir, 'secrets.json'), 'utf8');
  expect((await runKeys(['forget', '-s0meKeyId'])).errors).toMatch(/no replaced master key/);
  expect((await runKeys(['forget', 'nonsense'])).code).toBe(1);
  expect(readFileSync(join(dataDir, 'secrets.json'), 'utf8')).toBe(before);
  expect(await runKeys(['forget', old])).toMatchObject({ code: 0, errors: '' });
  expect((await listKeys()).map(({ id }) => id)).not.toContain(old);
  await openAll(newBox());
  await expect(runVerify(command, path)).rejects.toThrow(/another MASTER_KEY/);
});

test('[K9.2] with keys from settings: nothing is rotated while a server runs that lacks the new key', async () => {
  await using ground = await createTestDatabase();
  const { masterKey: newKey } = readEmbeddedSecrets(join(folder, 'third'));
  const environment = {
    DATABASE_URL: ground.url,
    AUTH_SECRET: testSecrets.authSecret,
    DATA_DIR: ground.config.dataDir,
    MASTER_KEY: testSecrets.masterKey,
    DRAIN_SECONDS: '0',
  };
  const one = await storeNew(newBox(ground.config), ground.db);
  const start = async (more: Record<string, string>) => {
    const server = await composeBulkhead({
      config: loadConfig({ ...environment, ...more, PORT: '0' }).config,
      log: silentLog,
      apps: [],
    });
    await server.listen();
    return server;
  };
  const rotate = () =>
    runKeys(['rotate'], { ...environment, MASTER_KEY: newKey, MASTER_KEY_PREVIOUS: testSecrets.masterKey });
  const [old, aware] = [await start({}), await start({ MASTER_KEY_PREVIOUS: newKey })];
  try {
    const refused = await rotate();
    expect([refused.code, refused.lines]).toEqual([1, []]);
    expect(refused.errors).toMatch(
      new RegExp(`Nothing was changed: .*\\(process ${process.pid}\\) has no master key ${masterKeyId(newKey)}`),
    );
    await old.close();
    expect(await rotate()).toMatchObject({ code: 0, errors: '' });
    expect(await openStored(one, aware.services.secrets, ground.db)).toBe(plaintext);
    // A server that heard of it all too late says that nothing is lost.
    const late = openStored(one, newBox(ground.config), ground.db);
    await expect(late).rejects.toMatchObject({ code: 'SECRET_KEY_MISSING', status: 503 });
  } finally {
    await old.close();
    await aware.close();
  }
});

test('[K9.2] with keys from settings: the start refuses to lose one, rotating moves to the new one, then the old may go', async () => {
  await using ground = await createTestDatabase();
  const { masterKey: newKey } = readEmbeddedSecrets(join(folder, 'other'));
  const environment = {
    DATABASE_URL: ground.url,
    AUTH_SECRET: testSecrets.authSecret,
    DATA_DIR: ground.config.dataDir,
    MASTER_KEY: testSecrets.masterKey,
  };
  const one = await storeNew(newBox(ground.config), ground.db);
  const start = async (more: Record<string, string>) => {
    const server = await composeBulkhead({
      config: loadConfig({ ...environment, ...more, PORT: '0' }).config,
      log: silentLog,
      apps: [],
    });
    try {
      const { db, secrets } = server.services;
      return await openStored(one, secrets, db);
    } finally {
      await server.close();
    }
  };
  const oldId = masterKeyId(testSecrets.masterKey);
  await expect(start({ MASTER_KEY: newKey })).rejects.toThrow(
    new RegExp(String.raw`MASTER_KEY_PREVIOUS: lacks the master key with the id ${oldId} \(1 data key\)`),
  );
  expect((await runKeys(['rotate'], { ...environment, MASTER_KEY: newKey })).errors).toContain(oldId);
  expect(await listKeys({ ...environment, MASTER_KEY: newKey })).toContainEqual(
    expect.objectContaining({ id: oldId, state: 'missing', dataKeys: 1 }),
  );
  const both = { MASTER_KEY: newKey, MASTER_KEY_PREVIOUS: testSecrets.masterKey };
  expect(await start(both)).toBe(plaintext);
  const rotated = await runKeys(['rotate'], { ...environment, ...both });
  expect(rotated.lines).toContain('Rewrapped 1 of 1 data keys.');
  expect((await runKeys(['rotate'], { ...environment, ...both })).lines.at(-1)).toMatch(/^Nothing to do/);
  expect(await start({ MASTER_KEY: newKey })).toBe(plaintext);
});
