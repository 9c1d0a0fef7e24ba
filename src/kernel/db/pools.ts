/** Connections are made in one place: one small pool per role, each with the timeouts that keep a stuck client harmless. */
import pg from 'pg';
import type { Logger } from '#kernel/log';
import type { RoleName } from './roles.ts';

/** Endpoint is where PostgreSQL listens and for which database; without user and password. */
export interface Endpoint {
  /** Host name, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Query part of DATABASE_URL (`sslmode=require`), kept for every connection. */
  readonly parameters: string;
}

/** parseDatabaseUrl splits a connection string; sockets are given as `?host=/folder`. */
export function parseDatabaseUrl(url: string): Endpoint & { readonly user: string; readonly password: string } {
  const parsed = new URL(url);
  const parameters = new URLSearchParams(parsed.searchParams);
  const socket = parameters.get('host');
  parameters.delete('host');
  return {
    host: socket ?? decodeURIComponent(parsed.hostname),
    port: parsed.port === '' ? 5432 : Number(parsed.port),
    database: decodeURIComponent(parsed.pathname.slice(1)) || decodeURIComponent(parsed.username),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    parameters: parameters.toString(),
  };
}

/** formatDatabaseUrl is the inverse of parseDatabaseUrl, for another user. */
export function formatDatabaseUrl(endpoint: Endpoint, user: string, password: string): string {
  const parameters = new URLSearchParams(endpoint.parameters);
  const isSocket = endpoint.host.startsWith('/');
  if (isSocket) parameters.set('host', endpoint.host);
  const query = parameters.size > 0 ? `?${parameters.toString()}` : '';
  const host = isSocket ? 'localhost' : endpoint.host;
  const credentials = `${encodeURIComponent(user)}${password === '' ? '' : `:${encodeURIComponent(password)}`}`;
  return `postgres://${credentials}@${host}:${endpoint.port}/${encodeURIComponent(endpoint.database)}${query}`;
}

export interface PoolOptions {
  readonly url: string;
  readonly role: RoleName;
  readonly max: number;
  readonly log: Logger;
}

/** Longest single statement and longest silence inside a transaction, in milliseconds. */
const statementTimeout = 30_000;
const idleInTransactionTimeout = 60_000;

/** createPool makes a pool whose idle connections may break without taking the process down. */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.role,
    pipeline: true,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeout,
    idle_in_transaction_session_timeout: idleInTransactionTimeout,
  });
  // A connection may break while it is lent out and between two queries: its next query reports it, the event must not end us.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', (error) => {
    // At the end of every server the embedded database may close a connection before the pool's own good-bye is through.
    if (!pool.ending) options.log.warn({ err: error, role: options.role }, 'an idle database connection broke');
  });
  return pool;
}

/** connectOnce opens a single connection outside any pool, for starts, migrations and backups. */
export async function connectOnce(url: string, applicationName = 'bulkhead'): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
  });
  // A connection that breaks between two queries would otherwise be an uncaught error; the next query reports it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
