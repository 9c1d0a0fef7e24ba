/** A restore gives exactly the backed-up rows, proved before it is committed, or changes nothing. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { DatabaseStartError } from '../errors.ts';
import { applyMigration, type AppliedMigration } from '../migrate.ts';
import { readMigrations, type Migration, type MigrationSource } from '../migration-files.ts';
import { connectOnce } from '../pools.ts';
import { loginRoles } from '../roles.ts';
import { readBackupFile, type BackupKeys, type Frame } from './backup-file.ts';
import {
  columnList,
  measureTable,
  ourSchemas,
  pinSession,
  qualifiedName,
  type BackupTable,
} from './catalogue-of-tables.ts';
import type { BackupSummary, Manifest } from './create-backup.ts';
import { createSchema } from './foreign-schema.ts';

export interface RestoreOptions {
  /** As the owner of the database. */
  readonly url: string;
  readonly path: string;
  readonly masterKey?: BackupKeys;
  readonly migrations: readonly MigrationSource[];
  /** Drops what is there first; otherwise only an empty database is accepted. */
  readonly isReplacing?: boolean;
}

function refuse(message: string): DatabaseStartError {
  return new DatabaseStartError('RESTORE_REFUSED', message);
}

async function clearTarget(client: Client, isReplacing: boolean): Promise<void> {
  const used = await client.query(
    'select from pg_stat_activity where datname = current_database() and usename = any($1)',
    [loginRoles],
  );
  if ((used.rowCount ?? 0) > 0) throw refuse('A server is working on this database. Stop it, then restore.');
  const { rows } = await client.query<{ name: string }>(
    `select format('%I', n.nspname) as name from pg_namespace n where ${ourSchemas}`,
  );
  if (rows.length === 0) return;
  if (!isReplacing)
    throw refuse('The database is not empty. Restore into an empty one, or say that it is to be replaced.');
  await client.query(`drop schema ${rows.map((row) => row.name).join(', ')} cascade`);
}

/** selectMigrations returns, in the order a fresh database gets them, those the backup had. */
function selectMigrations(migrations: readonly Migration[], had: readonly AppliedMigration[]): Migration[] {
  const wanted = new Map(had.map((row) => [`${row.module} ${row.version}`, row]));
  const selected = migrations.filter((migration) => {
    const row = wanted.get(`${migration.module} ${migration.version}`);
    if (row && row.checksum !== migration.checksum)
      throw refuse(`The migration ${row.module}/${row.version}_${row.name} is not the one the backup was made with.`);
    return row !== undefined;
  });
  if (selected.length !== wanted.size)
    throw refuse('The backup was made by a newer version of this program. Restore it with that version.');
  return selected;
}

/** Rows come in any order, so foreign keys, triggers and forced security stand aside; putting the keys back checks every row. */
async function setAside(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ before: string; after: string }>(
    `select format('alter table %s drop constraint %I', k.conrelid::regclass, k.conname) as before,
       format('alter table %s add constraint %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) as after
     from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and k.conparentid = 0 and ${ourSchemas}
     union all
     select format('alter table %s no force row level security', c.oid::regclass), format('alter table %s force row level security', c.oid::regclass)
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relforcerowsecurity and ${ourSchemas}
     union all
     select distinct format('alter table %s disable trigger user', c.oid::regclass), format('alter table %s enable trigger user', c.oid::regclass)
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where not t.tgisinternal and not c.relispartition and ${ourSchemas}`,
  );
  for (const row of rows) await client.query(row.before);
  return rows.map((row) => row.after);
}

/** loadTable feeds the data frames of one table to COPY and checks their digest. */
async function loadTable(client: Client, table: BackupTable, frames: AsyncIterator<Frame>): Promise<void> {
  const digest = createHash('sha256');
  let end: { rowCount: number; sha256: string } | undefined;
  async function* data(): AsyncGenerator<Buffer> {
    for (;;) {
      const { value, done } = (await frames.next()) as IteratorResult<Frame, undefined>;
      if (done || value.type !== 'D') {
        end = done ? undefined : (JSON.parse(value.payload.toString()) as typeof end);
        return;
      }
      digest.update(value.payload);
      yield value.payload;
    }
  }
  const sink = client.query(copyFrom(`copy ${qualifiedName(client, table)} (${columnList(client, table)}) from stdin`));
  await pipeline(Readable.from(data()), sink);
  if (!end || end.sha256 !== digest.digest('hex') || end.rowCount !== sink.rowCount) {
    throw new DatabaseStartError(
      'BACKUP_BROKEN',
      `The rows of ${table.schema}.${table.table} are not those that were backed up.`,
    );
  }
}

async function load(client: Client, manifest: Manifest, frames: AsyncIterator<Frame>): Promise<void> {
  const putBack = await setAside(client);
  // A migration may have put rows in; the backup has them too.
  const names = manifest.tables.map((table) => qualifiedName(client, table));
  if (names.length > 0) await client.query(`truncate ${names.join(', ')}`);
  for (;;) {
    const { value: frame } = (await frames.next()) as IteratorResult<Frame, undefined>;
    if (!frame || frame.type === 'Z') break;
    if (frame.type === 'T') await loadTable(client, JSON.parse(frame.payload.toString()) as BackupTable, frames);
  }
  // Reading on to the end of the file lets the reader check its seal.
  await frames.next();
  for (const statement of putBack.toReversed()) await client.query(statement);
  for (const { name, lastValue, isCalled } of manifest.sequences)
    await client.query('select setval($1::regclass, $2, $3)', [name, lastValue, isCalled]);
}

async function compare(client: Client, manifest: Manifest): Promise<void> {
  for (const expected of manifest.tables) {
    const actual = await measureTable(client, expected);
    if (actual.rowCount !== expected.rowCount || actual.fingerprint !== expected.fingerprint) {
      throw new DatabaseStartError(
        'BACKUP_BROKEN',
        `The table ${expected.schema}.${expected.table} came back with ${actual.rowCount} rows that differ from the ${expected.rowCount} backed up.`,
      );
    }
  }
}

/**
 * restoreBackup makes the schema of the backup's version, copies every row in, compares counts and fingerprints and only
 * then commits. Throws RESTORE_REFUSED or BACKUP_BROKEN; the target is then as it was.
 */
export async function restoreBackup(options: RestoreOptions): Promise<BackupSummary> {
  const frames = readBackupFile(options.path, options.masterKey);
  const first = await frames.next();
  if (first.done || first.value.type !== 'M')
    throw new DatabaseStartError('BACKUP_BROKEN', `The backup ${options.path} has no manifest.`);
  const manifest = JSON.parse(first.value.payload.toString()) as Manifest;
  const migrations = selectMigrations(await readMigrations(options.migrations), manifest.migrations);
  const client = await connectOnce(options.url, 'bulkhead_restore');
  try {
    await pinSession(client);
    await client.query('begin');
    await clearTarget(client, options.isReplacing ?? false);
    for (const migration of migrations) await applyMigration(client, migration);
    await createSchema(client, manifest.foreignSchemas);
    await load(client, manifest, frames);
    await compare(client, manifest);
    await client.query('commit');
  } finally {
    await frames.return(undefined);
    await client.end();
  }
  const rowCount = manifest.tables.reduce((sum, table) => sum + table.rowCount, 0);
  return { path: options.path, createdAt: manifest.createdAt, tableCount: manifest.tables.length, rowCount };
}
