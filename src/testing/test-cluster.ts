/** Tests share one PostgreSQL per run: an embedded one of their own, or the one TEST_DATABASE=external names. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '#kernel/log';
import { createLogger } from '#kernel/log';
import { findRunningPostmaster } from '../kernel/db/embedded/postmaster-file.ts';
import { isProcessAlive } from '../kernel/db/embedded/process-alive.ts';
import { startEmbedded } from '../kernel/db/embedded/start-embedded.ts';
import { connectOnce, formatDatabaseUrl, parseDatabaseUrl } from '../kernel/db/pools.ts';
import { rolePassword } from '../kernel/db/roles.ts';

export type ClusterKind = 'embedded' | 'external';

/** TestCluster is a server on which the tests may create databases. */
export interface TestCluster {
  readonly kind: ClusterKind;
  /** Superuser, on the maintenance database. */
  readonly adminUrl: string;
  /** Role that owns the test databases; null: the administrator itself. */
  readonly owner: string | null;
  /** The URL of one database, as its owner. */
  ownerUrl(database: string): string;
}

function fixedSecret(name: string): string {
  return createHash('sha256').update(`bulkhead test ${name}`).digest('base64');
}

/** Secrets of every test installation; fixed, because roles and their passwords belong to the whole cluster. */
export const testSecrets = {
  masterKey: fixedSecret('master'),
  authSecret: fixedSecret('auth'),
  databasePassword: fixedSecret('root'),
};

export const silentLog: Logger = createLogger({ level: 'silent' });

/** testRun is the process id of the run all workers belong to: set by the global set-up, else our own. */
export function testRun(): number {
  return Number(process.env['BULKHEAD_TEST_RUN'] ?? process.pid);
}

/** hasGlobalSetUp tells whether somebody else cleans up after the last worker. */
export function hasGlobalSetUp(): boolean {
  return process.env['BULKHEAD_TEST_RUN'] !== undefined;
}

/** defaultClusterKind follows TEST_DATABASE. */
export function defaultClusterKind(): ClusterKind {
  return process.env['TEST_DATABASE'] === 'external' ? 'external' : 'embedded';
}

/** databasePrefix names the databases of a run on this machine, so that leftovers of dead runs can be told. */
export function databasePrefix(run: number): string {
  const machine = createHash('sha256').update(hostname()).digest('hex').slice(0, 6);
  return `bulkhead_test_${machine}_${run}_`;
}

const folderPrefix = 'bulkhead-test-';
const dataPrefix = 'bulkhead-data-';

function clusterFolder(run: number): string {
  return join(tmpdir(), `${folderPrefix}${run}`);
}

function externalCluster(): TestCluster {
  const adminUrl = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  const { user, password, ...endpoint } = parseDatabaseUrl(adminUrl);
  const ownerUrl = (database: string): string => formatDatabaseUrl({ ...endpoint, database }, user, password);
  return { kind: 'external', adminUrl, owner: null, ownerUrl };
}

/** The first worker to come makes the cluster; the others wait for its note. */
async function obtainEmbeddedUrl(folder: string): Promise<string> {
  const note = join(folder, 'ready');
  const starting = join(folder, 'starting');
  const deadline = Date.now() + 60_000;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  while (!existsSync(note)) {
    if (Date.now() > deadline) throw new Error(`the test cluster in ${folder} did not become ready`);
    try {
      mkdirSync(starting);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    try {
      const server = await startEmbedded({
        dataDir: folder,
        rootPassword: testSecrets.databasePassword,
        authSecret: testSecrets.authSecret,
        log: silentLog,
        isDurable: false,
      });
      await server.detach();
      writeFileSync(`${note}.partial`, server.rootUrl);
      renameSync(`${note}.partial`, note);
    } catch (error) {
      rmSync(starting, { recursive: true, force: true });
      throw error;
    }
  }
  return readFileSync(note, 'utf8');
}

async function embeddedCluster(): Promise<TestCluster> {
  if (!hasGlobalSetUp()) process.once('exit', () => removeTestFolder(process.pid));
  const adminUrl = await obtainEmbeddedUrl(clusterFolder(testRun()));
  const endpoint = parseDatabaseUrl(adminUrl);
  const password = rolePassword(testSecrets.authSecret, 'bulkhead_owner');
  const ownerUrl = (database: string): string =>
    formatDatabaseUrl({ ...endpoint, database }, 'bulkhead_owner', password);
  return { kind: 'embedded', adminUrl, owner: 'bulkhead_owner', ownerUrl };
}

const clusters = new Map<ClusterKind, Promise<TestCluster>>();

/** obtainCluster returns the run's cluster of a kind, starting it when it is the first to ask. */
export function obtainCluster(kind: ClusterKind): Promise<TestCluster> {
  const known = clusters.get(kind);
  if (known) return known;
  const obtained = kind === 'external' ? Promise.resolve(externalCluster()) : embeddedCluster();
  clusters.set(kind, obtained);
  return obtained;
}

/** A server still running on the cluster is ended at once (nothing in it is worth saving). Works in an exit handler. */
function removeWithServer(folder: string, cluster: string): void {
  const running = findRunningPostmaster(cluster);
  if (running) {
    try {
      process.kill(running.pid, 'SIGQUIT');
    } catch {
      // It ended by itself.
    }
    // An exit handler cannot await; until the server is gone it writes into the folder.
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; waited < 5_000 && isProcessAlive(running.pid); waited += 10) Atomics.wait(pause, 0, 0, 10);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** removeTestFolder ends the embedded cluster of a run. */
export function removeTestFolder(run: number): void {
  const folder = clusterFolder(run);
  removeWithServer(folder, join(folder, 'postgres', 'cluster'));
}

/** sweepDeadRuns removes the folders of runs and processes that are gone. */
export function sweepDeadRuns(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, prefix, pid] = /^(bulkhead-(?:test|data)-)(\d+)(?:-|$)/.exec(name) ?? [];
    if (pid === undefined || isProcessAlive(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    // Tests of the embedded server keep theirs one folder deeper.
    removeWithServer(folder, join(folder, prefix === dataPrefix ? 'data' : '', 'postgres', 'cluster'));
  }
}

/** dropRunDatabases drops what a run left on the external server, and what dead runs of this machine left there. */
export async function dropRunDatabases(cluster: TestCluster, run: number): Promise<void> {
  const admin = await connectOnce(cluster.adminUrl);
  try {
    const prefix = databasePrefix(0).replace(/0_$/, '');
    const { rows } = await admin.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) {
      const owner = Number(datname.slice(prefix.length).split('_')[0]);
      if (owner === run || !isProcessAlive(owner))
        await admin.query(`drop database if exists "${datname}" with (force)`);
    }
  } finally {
    await admin.end();
  }
}

/** makeTestFolder makes a private folder for one test installation's data. */
export function makeTestFolder(): string {
  return mkdtempSync(join(tmpdir(), `${dataPrefix}${process.pid}-`));
}
