/** A backup is the database at one instant: every row of ours, with what is needed to prove that none is missing. */
import { createHash } from 'node:crypto';
import { to as copyTo } from 'pg-copy-streams';
import type { Client } from 'pg';
import { connectOnce } from '../pools.ts';
import { readApplied, type AppliedMigration } from '../migrate.ts';
import { writeBackupFile, type Frame } from './backup-file.ts';
import {
  columnList,
  listSequences,
  listTables,
  measureTable,
  pinSession,
  qualifiedName,
  type SequenceState,
  type TableState,
} from './catalogue-of-tables.ts';
import { describeSchema } from './foreign-schema.ts';

/** Manifest is the first frame. */
export interface Manifest {
  /** ISO 8601. */
  readonly createdAt: string;
  readonly serverVersion: string;
  readonly migrations: readonly AppliedMigration[];
  /** Statements that make the schemas our migrations do not. */
  readonly foreignSchemas: readonly string[];
  readonly tables: readonly TableState[];
  readonly sequences: readonly SequenceState[];
}

export interface BackupOptions {
  /** As the owner of the schemas (`db.urls.owner`). */
  readonly url: string;
  readonly path: string;
  /** Encrypts with AES-256-GCM when given; restoring then needs the same. */
  readonly masterKey?: string | undefined;
}

export interface BackupSummary {
  readonly path: string;
  readonly createdAt: string;
  readonly tableCount: number;
  readonly rowCount: number;
}

export function jsonFrame(type: Frame['type'], value: unknown): Frame {
  return { type, payload: Buffer.from(JSON.stringify(value)) };
}

async function* readTable(client: Client, table: TableState): AsyncGenerator<Frame> {
  yield jsonFrame('T', { schema: table.schema, table: table.table, columns: table.columns });
  const digest = createHash('sha256');
  const rows = client.query(
    copyTo(`copy (select ${columnList(client, table)} from ${qualifiedName(client, table)}) to stdout`),
  );
  for await (const chunk of rows as AsyncIterable<Buffer>) {
    digest.update(chunk);
    yield { type: 'D', payload: chunk };
  }
  yield jsonFrame('E', { rowCount: rows.rowCount, sha256: digest.digest('hex') });
}

async function describe(client: Client): Promise<Manifest> {
  const { rows } = await client.query<{ version: string; now: Date }>(
    `select current_setting('server_version') as version, now() as now`,
  );
  const tables: TableState[] = [];
  for (const table of await listTables(client)) tables.push(await measureTable(client, table));
  return {
    createdAt: (rows[0]?.now ?? new Date()).toISOString(),
    serverVersion: rows[0]?.version ?? '',
    migrations: await readApplied(client),
    foreignSchemas: await describeSchema(client, 'dbos'),
    tables,
    sequences: await listSequences(client),
  };
}

async function* produce(client: Client, manifest: Manifest): AsyncGenerator<Frame> {
  yield jsonFrame('M', manifest);
  for (const table of manifest.tables) yield* readTable(client, table);
}

/** createBackup writes one snapshot to `path` while the server goes on working. Throws DISK_FULL and leaves no half file. */
export async function createBackup(options: BackupOptions): Promise<BackupSummary> {
  const client = await connectOnce(options.url, 'bulkhead_backup');
  try {
    await pinSession(client);
    await client.query('begin transaction isolation level repeatable read read only');
    const manifest = await describe(client);
    await writeBackupFile(options.path, options.masterKey, produce(client, manifest));
    await client.query('commit');
    const rowCount = manifest.tables.reduce((sum, table) => sum + table.rowCount, 0);
    return { path: options.path, createdAt: manifest.createdAt, tableCount: manifest.tables.length, rowCount };
  } finally {
    await client.end();
  }
}
