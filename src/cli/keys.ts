/** The commands `keys list`, `keys rotate` and `keys forget`: the master key changes while servers go on (K9.2). */
import { createAuditLog } from '#kernel/audit';
import {
  beginMasterKeyRotation,
  endMasterKeyRotation,
  ensureEmbeddedSecrets,
  forgetMasterKeys,
  type Config,
} from '#kernel/config';
import { visitDatabase, type Database } from '#kernel/db';
import { createLogger } from '#kernel/log';
import {
  assertMasterKeys,
  listMasterKeys,
  masterKeyId,
  renewDataKeys,
  reportKeys,
  rewrapDataKeys,
  type KeyReport,
  type KeyRing,
  type RenewalProgress,
} from '#kernel/secrets';
import { explainOtherVersion } from './explain-other-version.ts';

export interface KeysCommand {
  /** As given: keys of the data folder are read from there each time. */
  readonly config: Config;
  /** Writes one line for the person at the terminal. */
  readonly print: (line: string) => void;
}

const log = createLogger({ level: 'silent' });
const dayMilliseconds = 86_400_000;

function readRing(config: Config): KeyRing {
  const { masterKey = '', masterKeyPrevious } = ensureEmbeddedSecrets(config);
  return { masterKey, previousMasterKeys: masterKeyPrevious };
}

/** isInFolder: the key is ours to replace only where no setting gives it. */
function isInFolder({ databaseUrl, masterKey }: Config): boolean {
  return databaseUrl === undefined && masterKey === undefined;
}

async function withDatabase<T>(config: Config, isReadOnly: boolean, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await visitDatabase({ config, log, isReadOnly });
  try {
    return await explainOtherVersion(() => work(db));
  } finally {
    await db.close();
  }
}

/** oneAtATime keeps two commands from changing the keys of one data folder at once. */
function oneAtATime<T>(db: Database, work: () => T): Promise<T> {
  return db.withSystem('master key rotation', async (tx) => {
    await tx.query({ text: `select pg_advisory_xact_lock(hashtextextended('bulkhead master keys', 0))` });
    return work();
  });
}

function describeAge(inUseSince: string | null): string {
  if (inUseSince === null) return 'not in use';
  const days = Math.floor((Date.now() - Date.parse(inUseSince)) / dayMilliseconds);
  return `since ${inUseSince.slice(0, 10)} (${days} day${days === 1 ? '' : 's'})`;
}

/** listKeys prints each master key's id, state, age and what it still protects. Resolves to 1 when one is missing. */
export async function listKeys({ config, print }: KeysCommand, isJson: boolean): Promise<number> {
  const report = await withDatabase(config, true, (db) => reportKeys(db, readRing(config)));
  if (isJson) print(JSON.stringify(report.keys, null, 2));
  else printReport(report, print);
  return report.keys.some(({ state }) => state === 'missing') ? 1 : 0;
}

function printReport({ keys, lost, isRenewing }: KeyReport, print: KeysCommand['print']): void {
  for (const { id, state, dataKeys, retiredDataKeys, inUseSince, sealed } of keys) {
    const retired = retiredDataKeys > 0 ? `, ${retiredDataKeys} of them retired` : '';
    print(`${id}  ${state.padEnd(8)}  ${String(dataKeys).padStart(6)} data keys  ${describeAge(inUseSince)}${retired}`);
    for (const [column, count] of Object.entries(sealed)) print(`  protects ${String(count).padStart(6)} × ${column}`);
  }
  for (const [column, count] of Object.entries(lost))
    print(`${count} × ${column}: the data key is gone. Enter them again.`);
  if (isRenewing) print('A renewal of data keys runs or was interrupted. It goes on with: keys rotate --data-keys');
}

export interface RotateOptions {
  /** Data keys per transaction. */
  readonly batchSize: number;
  /** Organisations also get fresh data keys, and what is stored moves under them. */
  readonly isRenewingDataKeys: boolean;
}

/** rotateKeys makes a fresh master key where the data folder holds it, and rewraps what is under any other. */
export async function rotateKeys({ config, print }: KeysCommand, options: RotateOptions): Promise<void> {
  await withDatabase(config, false, async (db) => {
    await assertMasterKeys(db, readRing(config));
    if (isInFolder(config)) {
      const { isResumed } = await oneAtATime(db, () => beginMasterKeyRotation(config.dataDir));
      print(isResumed ? 'A rotation was interrupted; it goes on.' : 'A fresh master key is in place.');
    }
    const ring = readRing(config);
    if (!isInFolder(config)) await assertServersHave(db, masterKeyId(ring.masterKey));
    print(`Current master key: ${masterKeyId(ring.masterKey)}`);
    const { rewrapped, keyId } = await rewrapDataKeys({
      db,
      audit: createAuditLog({ db }),
      ring,
      batchSize: options.batchSize,
      onProgress: (done, total) => print(`Rewrapped ${done} of ${total} data keys.`),
    });
    if (options.isRenewingDataKeys) await renewAll({ config, print }, db, options.batchSize);
    if (isInFolder(config)) {
      await oneAtATime(db, () => {
        // Another rotation may have begun meanwhile; only what this one began may it end.
        if (masterKeyId(readRing(config).masterKey) === keyId) endMasterKeyRotation(config.dataDir);
      });
    }
    print(describeEnd(config, rewrapped, options));
  });
}

/** assertServersHave throws when a server that runs could not open what is wrapped under the key from now on. */
async function assertServersHave(db: Database, keyId: string): Promise<void> {
  const { listServersWithoutKey } = await import('#kernel/jobs');
  const names = await listServersWithoutKey(db, keyId);
  if (names.length === 0) return;
  throw new TypeError(
    `Nothing was changed: ${names.join(', ')} has no master key ${keyId}. ` +
      'Start every server with it, as MASTER_KEY or in MASTER_KEY_PREVIOUS. See docs/guides/rotate-keys.md.',
  );
}

/** renewAll seals everything stored under fresh data keys, with a line for each batch. */
async function renewAll({ config, print }: KeysCommand, db: Database, batchSize: number): Promise<void> {
  // Loaded only here: the list of columns is made of every module and application.
  const [{ listSealedColumns }, { apps }] = await Promise.all([import('../modules.ts'), import('../apps.ts')]);
  const { resealed, released, kept, unreadable } = await renewDataKeys({
    db,
    audit: createAuditLog({ db }),
    ring: readRing(config),
    columns: listSealedColumns(apps),
    batchSize,
    onProgress: (progress) => print(describeProgress(progress)),
  });
  print(`Sealed ${resealed} texts anew; ${released} old data keys are gone.`);
  for (const [column, count] of Object.entries(unreadable))
    print(`${count} × ${column} cannot be opened and stays as it is. Enter them again.`);
  if (kept > 0) print(`${kept} old data keys stay, because texts that cannot be opened name them.`);
}

function describeProgress(progress: RenewalProgress): string {
  if (progress.kind === 'column') return `${progress.column}: ${progress.done} of ${progress.total}`;
  const { retired, isResumed } = progress;
  if (isResumed) return `A renewal of data keys was interrupted; it goes on with ${retired} old data keys.`;
  return `Retired ${retired} data keys.`;
}

function describeEnd(config: Config, rewrapped: number, { isRenewingDataKeys }: RotateOptions): string {
  if (isInFolder(config))
    return 'Done. The keys replaced stay in secrets.json, because backups made with them need them. Copy the file anew.';
  if (rewrapped > 0) return 'Done. MASTER_KEY_PREVIOUS is needed only for backups made with those keys.';
  if (isRenewingDataKeys) return 'Done. The master key stays: it is changed by the settings.';
  return 'Nothing to do: every data key is under MASTER_KEY. To change it, see docs/guides/rotate-keys.md.';
}

/** forgetKey drops a replaced key from the data folder. Throws while data keys need it. */
export async function forgetKey({ config, print }: KeysCommand, id: string): Promise<void> {
  if (!isInFolder(config))
    throw new TypeError('MASTER_KEY is given as a setting: take the key out of MASTER_KEY_PREVIOUS.');
  await withDatabase(config, false, async (db) => {
    const found = (await listMasterKeys(db, readRing(config))).find((key) => key.id === id);
    if (found?.state !== 'previous') throw new TypeError(`There is no replaced master key ${id}. See: keys list`);
    if (found.dataKeys > 0)
      throw new TypeError(`${found.dataKeys} data keys are still under ${id}. Run: npm run bulkhead -- keys rotate`);
    await oneAtATime(db, () => forgetMasterKeys(config.dataDir, (key) => masterKeyId(key) === id));
  });
  print(`Forgotten: ${id}. Backups made with it can be read only by whoever kept the key.`);
}
