/** Embedded mode: from a folder to an endpoint that answers, with nothing installed and nothing left to set up. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '#kernel/log';
import { connectOnce, formatDatabaseUrl, type Endpoint } from '../pools.ts';
import { ensureRoles, loginRoles, rolePassword } from '../roles.ts';
import { findBinaries, type Binaries } from './binaries.ts';
import { prepareDataFolder, type DataFolder } from './data-folder.ts';
import { Postmaster, stopPostmaster, type PostmasterOptions } from './postmaster.ts';
import { findRunningPostmaster } from './postmaster-file.ts';
import { ensureCluster, superuser } from './run-initdb.ts';
import { acquireServerLock } from './server-lock.ts';
import { serverArguments, socketPort } from './server-settings.ts';

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** Of the bootstrap superuser; kept in the data folder. */
  readonly rootPassword: string;
  readonly authSecret: string;
  readonly log: Logger;
  /** False only for the throw-away cluster of the tests. */
  readonly isDurable?: boolean;
}

export interface EmbeddedServer {
  readonly endpoint: Endpoint;
  readonly ownerUrl: string;
  /** URL of the bootstrap superuser on database `postgres`, for tests and scratch databases. */
  readonly rootUrl: string;
  readonly pid: () => number;
  stop(): Promise<void>;
  /** Lets go of the lock and leaves the server running, for the shared cluster of the tests. */
  detach(): Promise<void>;
}

const databaseName = 'bulkhead';

/** The launch note says what the running server was started with; another version or setting means stop and start. */
function launchNote(binaries: Binaries, args: readonly string[]): string {
  return JSON.stringify([binaries.postgres, binaries.version, ...args]);
}

function readNote(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function answers(rootUrl: string): Promise<boolean> {
  try {
    const client = await connectOnce(rootUrl);
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** obtainPostmaster adopts a leftover server when it is the one we would start and it answers; stops it otherwise. */
async function obtainPostmaster(options: PostmasterOptions, note: string, rootUrl: string): Promise<Postmaster> {
  const { folder, log } = options;
  const notePath = join(folder.postgres, 'launch.json');
  const leftover = findRunningPostmaster(folder.cluster);
  if (leftover) {
    const isSame = leftover.isReady && leftover.socketDir === folder.socketDir && readNote(notePath) === note;
    if (isSame && (await answers(rootUrl))) {
      log.info({ pid: leftover.pid }, 'took over the database server a killed process left running');
      return Postmaster.adopt(options, leftover.pid);
    }
    log.warn({ pid: leftover.pid }, 'stopping a leftover database server');
    await stopPostmaster(leftover.pid);
  }
  const postmaster = await Postmaster.start(options);
  writeFileSync(notePath, note);
  return postmaster;
}

/** Roles and the database, as the bootstrap superuser; two quick looks when all is there. */
async function prepareDatabase(rootUrl: string, authSecret: string): Promise<void> {
  const client = await connectOnce(rootUrl);
  try {
    await ensureRoles(client, authSecret, ['bulkhead_owner', ...loginRoles]);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName]);
    if (rowCount === 0) {
      await client.query(`create database ${databaseName} owner bulkhead_owner`);
      await client.query(`revoke all on database ${databaseName} from public`);
      await client.query(`grant connect on database ${databaseName} to ${loginRoles.join(', ')}`);
    }
  } finally {
    await client.end();
  }
}

/** makeEndpoint is where the server of a data folder listens. */
export function makeEndpoint(folder: DataFolder, database = databaseName): Endpoint {
  return { host: folder.socketDir, port: socketPort, database, parameters: '' };
}

/** startEmbedded resolves with a server whose roles and database exist. Throws DatabaseStartError for the operator. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const folder = prepareDataFolder(options.dataDir);
  const lock = await acquireServerLock(folder.root, folder.socketDir);
  let postmaster: Postmaster | undefined;
  try {
    const binaries = findBinaries(folder);
    await ensureCluster(folder, binaries, options.rootPassword);
    const args = serverArguments({ socketDir: folder.socketDir, isDurable: options.isDurable ?? true });
    const rootUrl = formatDatabaseUrl(makeEndpoint(folder, 'postgres'), superuser, options.rootPassword);
    const running = await obtainPostmaster(
      { folder, program: binaries.postgres, args, log: options.log },
      launchNote(binaries, args),
      rootUrl,
    );
    postmaster = running;
    await prepareDatabase(rootUrl, options.authSecret);
    const endpoint = makeEndpoint(folder);
    return {
      endpoint,
      rootUrl,
      ownerUrl: formatDatabaseUrl(endpoint, 'bulkhead_owner', rolePassword(options.authSecret, 'bulkhead_owner')),
      pid: () => running.pid,
      async stop() {
        await running.stop();
        await lock.release();
      },
      detach() {
        running.detach();
        return lock.release();
      },
    };
  } catch (error) {
    await postmaster?.stop();
    await lock.release();
    throw error;
  }
}
