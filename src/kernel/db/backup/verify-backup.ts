/** A verified backup has been restored once already, into a scratch database, row for row. */
import { createHash, randomBytes } from 'node:crypto';
import { DatabaseStartError, errorCode } from '../errors.ts';
import type { MigrationSource } from '../migration-files.ts';
import { connectOnce, formatDatabaseUrl, parseDatabaseUrl } from '../pools.ts';
import { readBackupFile, type BackupKeys } from './backup-file.ts';
import type { BackupTable, TableState } from './catalogue-of-tables.ts';
import type { BackupSummary, Manifest } from './create-backup.ts';
import { restoreBackup } from './restore-backup.ts';

export interface VerifyOptions {
  readonly path: string;
  readonly masterKey?: BackupKeys;
  readonly migrations: readonly MigrationSource[];
  /** A user of the server to restore on; when it may not create databases only the file is checked. */
  readonly url: string;
}

export interface VerifyResult extends BackupSummary {
  /** False when the user may not create the scratch database: then digests and counts were checked, not the restore. */
  readonly isRestored: boolean;
}

/** readWhole reads every byte: seal, digests, and that each table of the manifest is there with its rows. */
async function readWhole(path: string, masterKey: BackupKeys): Promise<Manifest> {
  let manifest: Manifest | undefined;
  let digest = createHash('sha256');
  const seen = new Map<string, number>();
  let table = '';
  for await (const { type, payload } of readBackupFile(path, masterKey)) {
    if (type === 'M') manifest = JSON.parse(payload.toString()) as Manifest;
    if (type === 'T') {
      const begun = JSON.parse(payload.toString()) as BackupTable;
      table = `${begun.schema}.${begun.table}`;
      digest = createHash('sha256');
    }
    if (type === 'D') digest.update(payload);
    if (type === 'E') {
      const end = JSON.parse(payload.toString()) as { rowCount: number; sha256: string };
      if (end.sha256 !== digest.digest('hex'))
        throw new DatabaseStartError('BACKUP_BROKEN', `The backup ${path} is damaged in ${table}.`);
      seen.set(table, end.rowCount);
    }
  }
  if (!manifest) throw new DatabaseStartError('BACKUP_BROKEN', `The backup ${path} has no manifest.`);
  const missing = manifest.tables.find(
    (state: TableState) => seen.get(`${state.schema}.${state.table}`) !== state.rowCount,
  );
  if (missing)
    throw new DatabaseStartError(
      'BACKUP_BROKEN',
      `The backup ${path} lacks rows of ${missing.schema}.${missing.table}.`,
    );
  return manifest;
}

async function restoreIntoScratch(options: VerifyOptions): Promise<boolean> {
  const name = `bulkhead_verify_${randomBytes(6).toString('hex')}`;
  const admin = await connectOnce(options.url, 'bulkhead_verify');
  try {
    try {
      await admin.query(`create database ${name}`);
    } catch (error) {
      if (errorCode(error) === '42501') return false;
      throw error;
    }
    try {
      const { user, password, ...endpoint } = parseDatabaseUrl(options.url);
      await restoreBackup({ ...options, url: formatDatabaseUrl({ ...endpoint, database: name }, user, password) });
    } finally {
      await admin.query(`drop database ${name} with (force)`);
    }
    return true;
  } finally {
    await admin.end();
  }
}

/** verifyBackup reads the file whole and restores it into a scratch database where permitted. Throws BACKUP_BROKEN. */
export async function verifyBackup(options: VerifyOptions): Promise<VerifyResult> {
  const manifest = await readWhole(options.path, options.masterKey);
  const isRestored = await restoreIntoScratch(options);
  const rowCount = manifest.tables.reduce((sum, table) => sum + table.rowCount, 0);
  return {
    path: options.path,
    createdAt: manifest.createdAt,
    tableCount: manifest.tables.length,
    rowCount,
    isRestored,
  };
}
