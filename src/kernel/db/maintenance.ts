/** Backups and restores reach the database whether or not a server runs; what would disturb a running one is refused. */
import { ensureEmbeddedSecrets, readEmbeddedSecrets, type Config } from '#kernel/config';
import type { Logger } from '#kernel/log';
import { prepareDataFolder } from './embedded/data-folder.ts';
import { makeEndpoint, startEmbedded } from './embedded/start-embedded.ts';
import { createDatabase } from './database.ts';
import { DatabaseStartError } from './errors.ts';
import { formatDatabaseUrl, parseDatabaseUrl } from './pools.ts';
import { rolePassword } from './roles.ts';
import type { Database } from './types.ts';

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
  /** The master key and those it replaced: a backup opens with the one it was made with. */
  readonly masterKeys: readonly string[];
}

/**
 * openForMaintenance joins the embedded server of a running process, or starts it for as long as needed; with
 * DATABASE_URL there is nothing to start. Does not migrate.
 */
export async function openForMaintenance(options: MaintenanceOptions): Promise<Maintenance> {
  const { log, isExclusive } = options;
  const config = ensureEmbeddedSecrets(options.config);
  const { databaseUrl, dataDir, authSecret, masterKey, masterKeyPrevious } = config;
  const keys = { masterKey, masterKeys: masterKey === undefined ? [] : [masterKey, ...masterKeyPrevious] };
  if (databaseUrl !== undefined)
    return { ownerUrl: databaseUrl, ...keys, [Symbol.asyncDispose]: async () => undefined };
  if (authSecret === undefined) throw new TypeError('embedded mode has its secrets');
  const { databasePassword } = readEmbeddedSecrets(dataDir);
  try {
    const server = await startEmbedded({ dataDir, rootPassword: databasePassword, authSecret, log });
    return { ownerUrl: server.ownerUrl, ...keys, [Symbol.asyncDispose]: () => server.stop() };
  } catch (error) {
    const isRunning = error instanceof DatabaseStartError && error.code === 'ALREADY_RUNNING';
    if (!isRunning || isExclusive) throw error;
    const endpoint = makeEndpoint(prepareDataFolder(dataDir));
    const ownerUrl = formatDatabaseUrl(endpoint, 'bulkhead_owner', rolePassword(authSecret, 'bulkhead_owner'));
    return { ownerUrl, ...keys, [Symbol.asyncDispose]: async () => undefined };
  }
}

export interface VisitOptions {
  readonly config: Config;
  readonly log: Logger;
  /** True for commands that only look: the server then refuses every write. */
  readonly isReadOnly: boolean;
}

/**
 * visitDatabase gives a command the database of an installation, of a running server too. It sets nothing up and never
 * migrates, so the tables are those of the last version that was started.
 */
export async function visitDatabase(options: VisitOptions): Promise<Database> {
  const { config, log, isReadOnly } = options;
  const { authSecret } = ensureEmbeddedSecrets(config);
  if (authSecret === undefined) throw new TypeError('AUTH_SECRET is required with DATABASE_URL');
  const maintenance = await openForMaintenance({ config, log, isExclusive: false });
  const endpoint = parseDatabaseUrl(maintenance.ownerUrl);
  const parameters = new URLSearchParams(endpoint.parameters);
  if (isReadOnly) parameters.set('options', '-c default_transaction_read_only=on');
  return createDatabase({
    endpoint: { ...endpoint, parameters: parameters.toString() },
    ownerUrl: maintenance.ownerUrl,
    authSecret,
    poolSize: 4,
    log,
    isEmbedded: config.databaseUrl === undefined,
    onClose: () => maintenance[Symbol.asyncDispose]() as Promise<void>,
  });
}
