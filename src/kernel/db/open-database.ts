/** Opening either gives a database that is migrated, isolated and reachable, or one sentence for the operator. */
import { join } from 'node:path';
import type { Client } from 'pg';
import { ensureEmbeddedSecrets, readEmbeddedSecrets, type Config } from '#kernel/config';
import type { Logger } from '#kernel/log';
import { createBackup } from './backup/create-backup.ts';
import { verifyBackup } from './backup/verify-backup.ts';
import { createDatabase } from './database.ts';
import { startEmbedded } from './embedded/start-embedded.ts';
import { DatabaseStartError, errorCode, isConnectionError } from './errors.ts';
import { assertIsolation } from './isolation.ts';
import { migrate } from './migrate.ts';
import { readMigrations, type Migration, type MigrationSource } from './migration-files.ts';
import { connectOnce, parseDatabaseUrl, type Endpoint } from './pools.ts';
import { ensureRoles, loginRoles } from './roles.ts';
import type { Database } from './types.ts';

export interface OpenDatabaseOptions {
  readonly config: Config;
  readonly log: Logger;
  /** In the order to apply; the db module's own first. */
  readonly migrations: readonly MigrationSource[];
}

interface Ground {
  readonly endpoint: Endpoint;
  readonly ownerUrl: string;
  readonly authSecret: string;
  readonly isEmbedded: boolean;
  readonly onClose: () => Promise<void>;
}

async function connectExternal(url: string): Promise<Client> {
  const { host, port, database, user } = parseDatabaseUrl(url);
  try {
    return await connectOnce(url);
  } catch (error) {
    const place = `the database ${database} at ${host}:${port} as ${user}`;
    const reason = error instanceof Error ? error.message : String(error);
    const hint = isConnectionError(error) ? 'Is it running, and may this machine reach it?' : 'Check DATABASE_URL.';
    throw new DatabaseStartError('UNREACHABLE', `Could not connect to ${place}: ${reason}. ${hint}`, error);
  }
}

async function prepareExternal(url: string, authSecret: string): Promise<Ground> {
  const client = await connectExternal(url);
  try {
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    );
    const version = rows[0]?.version ?? 0;
    if (version < 150_000) {
      throw new DatabaseStartError(
        'VERSION_TOO_OLD',
        `DATABASE_URL is a PostgreSQL ${Math.floor(version / 10_000)}; 15 or later is needed.`,
      );
    }
    await ensureRoles(client, authSecret, loginRoles);
  } finally {
    await client.end();
  }
  return {
    endpoint: parseDatabaseUrl(url),
    ownerUrl: url,
    authSecret,
    isEmbedded: false,
    onClose: async () => undefined,
  };
}

async function prepareGround(config: Config, log: Logger): Promise<Ground> {
  const { authSecret } = ensureEmbeddedSecrets(config);
  if (authSecret === undefined) throw new TypeError('AUTH_SECRET is required with DATABASE_URL');
  if (config.databaseUrl !== undefined) return prepareExternal(config.databaseUrl, authSecret);
  const { databasePassword } = readEmbeddedSecrets(config.dataDir);
  const server = await startEmbedded({ dataDir: config.dataDir, rootPassword: databasePassword, authSecret, log });
  return {
    endpoint: server.endpoint,
    ownerUrl: server.ownerUrl,
    authSecret,
    isEmbedded: true,
    onClose: () => server.stop(),
  };
}

/** An upgrade can be taken back: what it changes has been written down, and restored once, before it begins. */
async function backUpBefore(
  ground: Ground,
  options: OpenDatabaseOptions,
  pending: readonly Migration[],
): Promise<void> {
  const { config, log, migrations } = options;
  const { masterKey } = ensureEmbeddedSecrets(config);
  const moment = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const path = join(backupFolder(config), `before-migration-${moment}.backup`);
  await createBackup({ url: ground.ownerUrl, path, masterKey });
  const { isRestored, rowCount } = await verifyBackup({ url: ground.ownerUrl, path, masterKey, migrations });
  log.info({ path, rowCount, isRestored, pending: pending.length }, 'backed up before migrating');
}

async function bringUpToDate(ground: Ground, options: OpenDatabaseOptions): Promise<void> {
  const migrations = await readMigrations(options.migrations);
  const client = await connectOnce(ground.ownerUrl);
  try {
    await migrate(client, migrations, {
      log: options.log,
      backUp: (pending) => backUpBefore(ground, options, pending),
    });
    await assertIsolation(client);
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
    const { user, database } = parseDatabaseUrl(ground.ownerUrl);
    throw new DatabaseStartError(
      'ROLES_MISSING',
      `The user ${user} lacks a right on the database ${database}: ${(error as Error).message}. It must own the database or be granted CREATE on it.`,
      error,
    );
  } finally {
    await client.end();
  }
}

/**
 * openDatabase starts (embedded) or connects to (DATABASE_URL) PostgreSQL, sets up roles, migrates and checks isolation.
 * Throws DatabaseStartError or ConfigError, both worded for the operator; nothing is then left running.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const { config, log } = options;
  const ground = await prepareGround(config, log);
  try {
    await bringUpToDate(ground, options);
    return createDatabase({ ...ground, poolSize: config.databasePoolSize, log });
  } catch (error) {
    await ground.onClose();
    throw error;
  }
}

/** backupFolder is where backups of an installation are kept. */
export function backupFolder(config: Config): string {
  return join(config.dataDir, 'backups');
}
