/** The schema is exactly what the migration files say, or the server does not start and nothing was changed. */
import type { Client } from 'pg';
import type { Logger } from '#kernel/log';
import { DatabaseStartError } from './errors.ts';
import type { Migration } from './migration-files.ts';

/** AppliedMigration is a row of kernel.migrations. */
export interface AppliedMigration {
  readonly module: string;
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

export interface MigrateOptions {
  readonly log: Logger;
  /** Called before a database that holds something is changed; rejecting stops the start. */
  readonly backUp: (pending: readonly Migration[]) => Promise<void>;
}

/** Key of the advisory lock that lets one runner at a time through; any number, but always this one. */
const lockKey = 5_512_048_119;

/** readApplied returns what the database has had; empty for a fresh one. */
export async function readApplied(client: Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<{ exists: boolean }>(
    `select to_regclass('kernel.migrations') is not null as exists`,
  );
  if (!rows[0]?.exists) return [];
  const applied = await client.query<AppliedMigration>(
    'select module, version, name, checksum from kernel.migrations order by applied_at, module, version',
  );
  return applied.rows;
}

/**
 * findPending compares files and database. Throws SCHEMA_NEWER when the database has a migration the files lack,
 * MIGRATION_CHANGED when a file differs from what was applied, MIGRATION_OUT_OF_ORDER when an older one is missing.
 */
export function findPending(migrations: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  const files = new Map(migrations.map((migration) => [`${migration.module} ${migration.version}`, migration]));
  const newest = new Map<string, number>();
  for (const row of applied) {
    const label = `${row.module}/${String(row.version).padStart(4, '0')}_${row.name}`;
    const file = files.get(`${row.module} ${row.version}`);
    if (!file) {
      throw new DatabaseStartError(
        'SCHEMA_NEWER',
        `The database was changed by a newer version of this program: it has the migration ${label}, which this version does not know. Start the newer version, or restore the backup made before it.`,
      );
    }
    if (file.checksum !== row.checksum) {
      throw new DatabaseStartError(
        'MIGRATION_CHANGED',
        `The migration ${label} is not the one this database was made with. A released migration never changes: restore the file and put the change into a new one.`,
      );
    }
    newest.set(row.module, Math.max(newest.get(row.module) ?? 0, row.version));
  }
  const done = new Set(applied.map((row) => `${row.module} ${row.version}`));
  const pending = migrations.filter((migration) => !done.has(`${migration.module} ${migration.version}`));
  const late = pending.find((migration) => migration.version < (newest.get(migration.module) ?? 0));
  if (late) {
    throw new DatabaseStartError(
      'MIGRATION_OUT_OF_ORDER',
      `The migration ${late.module}/${late.version}_${late.name} is older than one already applied. Give it the next free number.`,
    );
  }
  return pending;
}

/** lineOf turns PostgreSQL's character position into a line number. */
function lineOf(sql: string, position: unknown): string {
  const index = Number(position);
  return Number.isInteger(index) && index > 0 ? ` at line ${sql.slice(0, index).split('\n').length}` : '';
}

/** applyMigration runs one migration and records it, in the caller's transaction. */
export async function applyMigration(client: Client, migration: Migration): Promise<void> {
  try {
    await client.query(migration.sql);
  } catch (error) {
    const { message, position } = error as Error & { position?: string };
    throw new DatabaseStartError(
      'MIGRATION_FAILED',
      `The migration ${migration.module}/${String(migration.version).padStart(4, '0')}_${migration.name} failed${lineOf(migration.sql, position)}: ${message}. It was rolled back; the database is as it was before it.`,
      error,
    );
  }
  await client.query('insert into kernel.migrations (module, version, name, checksum) values ($1, $2, $3, $4)', [
    migration.module,
    migration.version,
    migration.name,
    migration.checksum,
  ]);
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/**
 * migrate brings the database of `client` (connected as its owner) to the given migrations and returns how many were
 * applied. Each has its own transaction; a fresh database gets all in one, so that a failed first start leaves nothing.
 */
export async function migrate(
  client: Client,
  migrations: readonly Migration[],
  options: MigrateOptions,
): Promise<number> {
  if (findPending(migrations, await readApplied(client)).length === 0) return 0;
  await client.query('select pg_advisory_lock($1)', [lockKey]);
  try {
    // Another server may have done it while we waited.
    const applied = await readApplied(client);
    const pending = findPending(migrations, applied);
    if (pending.length === 0) return 0;
    if (applied.length === 0) {
      await inTransaction(client, async () => {
        for (const migration of pending) await applyMigration(client, migration);
      });
    } else {
      await options.backUp(pending);
      for (const migration of pending) await inTransaction(client, () => applyMigration(client, migration));
    }
    options.log.info({ applied: pending.length }, 'the database schema was migrated');
    return pending.length;
  } finally {
    // The session's end releases it too; a broken connection must not hide the first error.
    await client.query('select pg_advisory_unlock($1)', [lockKey]).catch(() => undefined);
  }
}
