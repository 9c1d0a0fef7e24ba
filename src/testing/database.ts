/** A test gets a migrated database of its own in some tens of milliseconds, on either kind of server, and leaves nothing. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { loadConfig, type Config } from '#kernel/config';
import { openDatabase, type Database, type MigrationSource } from '#kernel/db';
import type { Logger } from '#kernel/log';
import { digestMigrations, readMigrations } from '../kernel/db/migration-files.ts';
import { connectOnce } from '../kernel/db/pools.ts';
import { migrationSources } from '../migration-sources.ts';
import {
  databasePrefix,
  defaultClusterKind,
  dropRunDatabases,
  hasGlobalSetUp,
  makeTestFolder,
  obtainCluster,
  silentLog,
  testRun,
  testSecrets,
  type ClusterKind,
  type TestCluster,
} from './test-cluster.ts';

export interface TestDatabaseOptions {
  /** Instead of every module's migrations. */
  readonly migrations?: readonly MigrationSource[];
  /** Instead of what TEST_DATABASE says. */
  readonly kind?: ClusterKind;
  /** More settings, by environment name. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly log?: Logger;
}

/** TestDatabase is an open database with the configuration a server on it would have; `await using` drops it. */
export interface TestDatabase extends AsyncDisposable {
  readonly db: Database;
  readonly config: Config;
  /** As its owner; what DATABASE_URL would be. */
  readonly url: string;
  /** As a superuser, on this database: to look behind row-level security. */
  readonly adminUrl: string;
  readonly name: string;
}

/** describeDatabase names the kind of server in use, for test titles and logs. */
export function describeDatabase(kind: ClusterKind = defaultClusterKind()): string {
  return kind === 'embedded' ? 'embedded PostgreSQL 18' : 'external PostgreSQL';
}

const letters = /[^a-z0-9_]/g;

function newName(label: string): string {
  return `${databasePrefix(testRun())}${label}_${randomBytes(5).toString('hex')}`.replaceAll(letters, '_');
}

function makeConfig(url: string, dataDir: string, environment: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({
    DATABASE_URL: url,
    MASTER_KEY: testSecrets.masterKey,
    AUTH_SECRET: testSecrets.authSecret,
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'silent',
    DATABASE_POOL_SIZE: '5',
    ...environment,
  }).config;
}

async function withAdmin<T>(
  cluster: TestCluster,
  work: (query: (sql: string, values?: unknown[]) => Promise<number>) => Promise<T>,
): Promise<T> {
  const admin = await connectOnce(cluster.adminUrl, 'bulkhead_test');
  try {
    return await work(async (sql, values) => (await admin.query(sql, values)).rowCount ?? 0);
  } finally {
    await admin.end();
  }
}

/** The template is built under a passing name and renamed when whole, so that a killed builder leaves no half of one. */
async function buildTemplate(cluster: TestCluster, sources: readonly MigrationSource[]): Promise<string> {
  const digest = digestMigrations(await readMigrations(sources)).slice(0, 12);
  const name = `${databasePrefix(testRun())}template_${digest}`;
  await withAdmin(cluster, async (query) => {
    await query('select pg_advisory_lock(hashtext($1))', [name]);
    if ((await query('select from pg_database where datname = $1', [name])) > 0) return;
    const building = newName('building');
    await query(`create database "${building}"${cluster.owner ? ` owner ${cluster.owner}` : ''}`);
    const dataDir = makeTestFolder();
    try {
      const config = makeConfig(cluster.ownerUrl(building), dataDir);
      const db = await openDatabase({ config, log: silentLog, migrations: sources });
      await db.close();
      await query(`alter database "${building}" rename to "${name}"`);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
      await query(`drop database if exists "${building}" with (force)`);
    }
  });
  return name;
}

const templates = new Map<string, Promise<string>>();
let isTidyingUp = false;

/** Without the global set-up (benchmarks, proofs) the process itself drops its templates when it has nothing left to do. */
function tidyUpAtExit(cluster: TestCluster): void {
  if (isTidyingUp || hasGlobalSetUp() || cluster.kind === 'embedded') return;
  isTidyingUp = true;
  process.once('beforeExit', () => void dropRunDatabases(cluster, process.pid));
}

function obtainTemplate(cluster: TestCluster, sources: readonly MigrationSource[]): Promise<string> {
  tidyUpAtExit(cluster);
  const key = `${cluster.kind} ${sources.map((source) => source.directory.href).join(' ')}`;
  const known = templates.get(key) ?? buildTemplate(cluster, sources);
  templates.set(key, known);
  return known;
}

/** createEmptyDatabase makes a database without any schema, for tests of migrations and restores. */
export async function createEmptyDatabase(kind: ClusterKind = defaultClusterKind()): Promise<Omit<TestDatabase, 'db'>> {
  const cluster = await obtainCluster(kind);
  tidyUpAtExit(cluster);
  return createFrom(cluster, null, {});
}

async function createFrom(
  cluster: TestCluster,
  template: string | null,
  options: TestDatabaseOptions,
): Promise<Omit<TestDatabase, 'db'>> {
  const name = newName('db');
  await withAdmin(cluster, (query) =>
    query(
      `create database "${name}"${template ? ` template "${template}"` : ''}${cluster.owner ? ` owner ${cluster.owner}` : ''}`,
    ),
  );
  const dataDir = makeTestFolder();
  const url = cluster.ownerUrl(name);
  const admin = new URL(cluster.adminUrl);
  admin.pathname = `/${name}`;
  return {
    name,
    url,
    adminUrl: admin.href,
    config: makeConfig(url, dataDir, options.environment),
    async [Symbol.asyncDispose]() {
      await withAdmin(cluster, (query) => query(`drop database if exists "${name}" with (force)`));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/**
 * createTestDatabase clones a migrated database and opens it as a server with DATABASE_URL would. Safe with several
 * workers at once. Shared cluster per run, without fsync; tests of durability start their own.
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const sources = options.migrations ?? migrationSources;
  const cluster = await obtainCluster(options.kind ?? defaultClusterKind());
  const ground = await createFrom(cluster, await obtainTemplate(cluster, sources), options);
  const db = await openDatabase({ config: ground.config, log: options.log ?? silentLog, migrations: sources });
  return {
    ...ground,
    db,
    async [Symbol.asyncDispose]() {
      await db.close();
      await ground[Symbol.asyncDispose]();
    },
  };
}
