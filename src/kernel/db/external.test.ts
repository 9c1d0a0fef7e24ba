import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig, type Config } from '#kernel/config';
import { createEmptyDatabase } from '#testing/database';
import { makeTestFolder, silentLog, testSecrets } from '../../testing/test-cluster.ts';
import { startEmbedded, type EmbeddedServer } from './embedded/start-embedded.ts';
import { fixtureSources, tenantA } from './fixtures/sources.ts';
import { openDatabase } from './open-database.ts';
import { connectOnce, formatDatabaseUrl, parseDatabaseUrl } from './pools.ts';

function configFor(url: string, authSecret = testSecrets.authSecret): Config {
  return loadConfig({
    DATABASE_URL: url,
    AUTH_SECRET: authSecret,
    MASTER_KEY: testSecrets.masterKey,
    DATA_DIR: '/nowhere',
  }).config;
}

function open(url: string, authSecret?: string): ReturnType<typeof openDatabase> {
  return openDatabase({ config: configFor(url, authSecret), log: silentLog, migrations: fixtureSources });
}

async function run(url: string, sql: string): Promise<unknown[]> {
  const client = await connectOnce(url);
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('[K1.2] a database that does not answer, or does not know us, is named without its password', async () => {
  await using database = await createEmptyDatabase();
  const { user: _, password: __, ...endpoint } = parseDatabaseUrl(database.url);
  await expect(open('postgres://clerk:hunter2hunter2@127.0.0.1:1/shop')).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringMatching(/the database shop at 127\.0\.0\.1:1 as clerk: .*Is it running/) as string,
  });
  const failure = await open(formatDatabaseUrl(endpoint, 'nobody_here', 'hunter2hunter2')).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('nobody_here') as string });
  expect(String(failure)).not.toContain('hunter2');
});

test('[K10.1] addresses survive being taken apart and put together, sockets and awkward passwords too', () => {
  for (const url of [
    'postgres://clerk:a%2Fb%40c%3A%25@db.example.com:6432/shop?sslmode=require',
    'postgres://clerk@localhost:5432/shop?host=%2Fvar%2Frun%2Fpostgresql',
  ]) {
    const { user, password, ...endpoint } = parseDatabaseUrl(url);
    expect(formatDatabaseUrl(endpoint, user, password)).toBe(url);
  }
  expect(parseDatabaseUrl('postgres://clerk@db')).toMatchObject({
    host: 'db',
    port: 5432,
    database: 'clerk',
    password: '',
  });
});

/** A cluster of its own: roles belong to the whole cluster, and these tests change them. */
async function withOwnCluster(work: (server: EmbeddedServer) => Promise<void>): Promise<void> {
  const parent = makeTestFolder();
  chmodSync(parent, 0o711);
  const { authSecret, databasePassword } = testSecrets;
  const dataDir = join(parent, 'data');
  const server = await startEmbedded({
    dataDir,
    rootPassword: databasePassword,
    authSecret,
    log: silentLog,
    isDurable: false,
  });
  try {
    await work(server);
  } finally {
    await server.stop();
    rmSync(parent, { recursive: true, force: true });
  }
}

test(
  '[K10.1] a user who may not make roles is told the SQL, and after it everything works',
  { timeout: 120_000 },
  async () => {
    await withOwnCluster(async (server) => {
      await run(server.rootUrl, `create role clerk login password 'pw'`);
      await run(server.rootUrl, 'create database shop owner clerk');
      const { user: _, password: __, ...endpoint } = parseDatabaseUrl(server.rootUrl);
      const url = formatDatabaseUrl({ ...endpoint, database: 'shop' }, 'clerk', 'pw');
      const otherSecret = randomBytes(32).toString('base64');
      const failure = await open(url, otherSecret).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'ROLES_MISSING' });
      const [, sql = ''] = (failure as Error).message.split('run once:');
      await run(server.rootUrl, sql);
      const db = await open(url, otherSecret);
      expect(
        await db.withTenant({ tenantId: tenantA }, (tx) => tx.query({ text: 'select current_user::text as role' })),
      ).toEqual([{ role: 'bulkhead_app' }]);
      await db.close();
    });
  },
);

test('[K3.2] a role that was made a superuser or exempt stops the start', { timeout: 120_000 }, async () => {
  await withOwnCluster(async (server) => {
    await run(server.rootUrl, 'create database shop');
    const { user, password, ...endpoint } = parseDatabaseUrl(server.rootUrl);
    const url = formatDatabaseUrl({ ...endpoint, database: 'shop' }, user, password);
    for (const [grant, revoke] of [
      ['alter role bulkhead_app superuser', 'alter role bulkhead_app nosuperuser'],
      ['alter role bulkhead_system bypassrls', 'alter role bulkhead_system nobypassrls'],
      ['grant bulkhead_owner to bulkhead_app', 'revoke bulkhead_owner from bulkhead_app'],
    ] as const) {
      await run(server.rootUrl, grant);
      await expect(open(url)).rejects.toMatchObject({ code: 'ISOLATION_BROKEN' });
      await run(server.rootUrl, revoke);
      await (await open(url)).close();
    }
  });
});
