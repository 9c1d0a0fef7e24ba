/** The commands `backup`, `verify` and `restore`: what they do and say; the command line itself is parsed elsewhere. */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '#kernel/config';
import { backupFolder, createBackup, openForMaintenance, restoreBackup, verifyBackup } from '#kernel/db';
import { createLogger } from '#kernel/log';
import { migrationSources } from '../migration-sources.ts';

export interface BackupCommand {
  readonly config: Config;
  /** Writes one line for the person at the terminal. */
  readonly print: (line: string) => void;
}

const log = createLogger({ level: 'silent' });

function defaultPath(config: Config): string {
  return join(backupFolder(config), `${new Date().toISOString().replaceAll(/[:.]/g, '-')}.backup`);
}

/**
 * runBackup backs up while the server goes on, and verifies what it wrote. `path` defaults to the backups folder. Throws
 * when nothing is there: another user's default folder, or a misspelt one, must not look like a backup that went well.
 */
export async function runBackup({ config, print }: BackupCommand, path = defaultPath(config)): Promise<void> {
  await using database = await openForMaintenance({ config, log, isExclusive: false });
  const target = { url: database.ownerUrl, masterKey: database.masterKey, path: resolve(path) };
  const made = await createBackup(target);
  if (made.tableCount === 0) {
    rmSync(made.path);
    const place = config.databaseUrl === undefined ? `The folder ${config.dataDir}` : 'The database of DATABASE_URL';
    throw new Error(
      `${place} holds no data of Bulkhead: there is nothing to back up. Does "npm run bulkhead config" name the right one?`,
    );
  }
  print(`Backed up ${made.rowCount} rows of ${made.tableCount} tables to ${made.path}.`);
  const { isRestored } = await verifyBackup({ ...target, migrations: migrationSources });
  print(
    isRestored
      ? 'Verified: restored into a scratch database, row for row.'
      : 'Verified: every digest fits. (This user may not make a scratch database to restore into.)',
  );
}

/** runVerify checks a backup and restores it into a scratch database. Throws DatabaseStartError BACKUP_BROKEN. */
export async function runVerify({ config, print }: BackupCommand, path: string): Promise<void> {
  await using database = await openForMaintenance({ config, log, isExclusive: false });
  const result = await verifyBackup({
    url: database.ownerUrl,
    masterKey: database.masterKeys,
    path: resolve(path),
    migrations: migrationSources,
  });
  print(
    `The backup of ${result.createdAt} is whole: ${result.rowCount} rows of ${result.tableCount} tables${result.isRestored ? ', restored into a scratch database' : ''}.`,
  );
}

/** runRestore replaces the database by a backup. Refused while a server runs, and when not empty unless `isReplacing`. */
export async function runRestore({ config, print }: BackupCommand, path: string, isReplacing: boolean): Promise<void> {
  await using database = await openForMaintenance({ config, log, isExclusive: true });
  const result = await restoreBackup({
    url: database.ownerUrl,
    masterKey: database.masterKeys,
    path: resolve(path),
    migrations: migrationSources,
    isReplacing,
  });
  print(
    `Restored ${result.rowCount} rows of ${result.tableCount} tables as they were at ${result.createdAt}. Files in storage are not part of it. Whoever was deleted since is deleted again at the start if backups/erased.jsonl is there.`,
  );
}
