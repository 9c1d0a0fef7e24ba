/** Backups and restores reach the database whether or not a server runs; what would disturb a running one is refused. */
import { ensureEmbeddedSecrets, readEmbeddedSecrets, type Config } from '#kernel/config';
import type { Logger } from '#kernel/log';
import { prepareDataFolder } from './embedded/data-folder.ts';
import { makeEndpoint, startEmbedded } from './embedded/start-embedded.ts';
import { DatabaseStartError } from './errors.ts';
import { formatDatabaseUrl } from './pools.ts';
import { rolePassword } from './roles.ts';

export interface MaintenanceOptions {
  readonly config: Config;
  readonly log: Logger;
  /** True for a restore: throws ALREADY_RUNNING while a server works on the data folder. */
  readonly isExclusive: boolean;
}

/** Maintenance is a way to the database as its owner, until closed. */
export interface Maintenance extends AsyncDisposable {
  readonly ownerUrl: string;
  readonly masterKey: string | undefined;
}

/**
 * openForMaintenance joins the embedded server of a running process, or starts it for as long as needed; with
 * DATABASE_URL there is nothing to start. Does not migrate.
 */
export async function openForMaintenance(options: MaintenanceOptions): Promise<Maintenance> {
  const { log, isExclusive } = options;
  const config = ensureEmbeddedSecrets(options.config);
  const { databaseUrl, dataDir, authSecret, masterKey } = config;
  if (databaseUrl !== undefined)
    return { ownerUrl: databaseUrl, masterKey, [Symbol.asyncDispose]: async () => undefined };
  if (authSecret === undefined) throw new TypeError('embedded mode has its secrets');
  const { databasePassword } = readEmbeddedSecrets(dataDir);
  try {
    const server = await startEmbedded({ dataDir, rootPassword: databasePassword, authSecret, log });
    return { ownerUrl: server.ownerUrl, masterKey, [Symbol.asyncDispose]: () => server.stop() };
  } catch (error) {
    const isRunning = error instanceof DatabaseStartError && error.code === 'ALREADY_RUNNING';
    if (!isRunning || isExclusive) throw error;
    const endpoint = makeEndpoint(prepareDataFolder(dataDir));
    const ownerUrl = formatDatabaseUrl(endpoint, 'bulkhead_owner', rolePassword(authSecret, 'bulkhead_owner'));
    return { ownerUrl, masterKey, [Symbol.asyncDispose]: async () => undefined };
  }
}
