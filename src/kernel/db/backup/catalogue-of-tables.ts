/** What a backup holds is read from the catalogue, so that no table of ours can be forgotten. */
import type { Client } from 'pg';

export interface BackupTable {
  readonly schema: string;
  readonly table: string;
  /** Stored columns in order; generated ones make themselves again. */
  readonly columns: readonly string[];
}

export interface TableState extends BackupTable {
  readonly rowCount: number;
  /** Sum of a hash of every row: the same rows in any order give the same, on any version of PostgreSQL from 15. */
  readonly fingerprint: string;
}

export interface SequenceState {
  readonly name: string;
  readonly lastValue: string;
  readonly isCalled: boolean;
}

/** Schemas of ours; `dbos` is the job engine's. */
export const ourSchemas = `(n.nspname in ('auth', 'kernel', 'dbos') or n.nspname like 'app\\_%')`;

/** pinSession fixes how values are written as text, so that two servers write the same. */
export async function pinSession(client: Client): Promise<void> {
  await client.query(
    `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set extra_float_digits = 1;
     set bytea_output = 'hex'; set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0`,
  );
}

export function qualifiedName(client: Client, table: Pick<BackupTable, 'schema' | 'table'>): string {
  return `${client.escapeIdentifier(table.schema)}.${client.escapeIdentifier(table.table)}`;
}

export function columnList(client: Client, table: BackupTable): string {
  return table.columns.map((column) => client.escapeIdentifier(column)).join(', ');
}

/** listTables names every table of ours but the record of migrations, which migrating writes itself. */
export async function listTables(client: Client): Promise<BackupTable[]> {
  const { rows } = await client.query<BackupTable>(
    `select n.nspname as schema, c.relname as table,
       (select coalesce(array_agg(a.attname::text order by a.attnum), '{}') from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and ${ourSchemas}
       and (n.nspname, c.relname) <> ('kernel', 'migrations')
     order by 1, 2`,
  );
  return rows;
}

/** measureTable counts and fingerprints the rows the transaction sees. */
export async function measureTable(client: Client, table: BackupTable): Promise<TableState> {
  const { rows } = await client.query<{ count: string; fingerprint: string }>(
    `select count(*)::text as count, coalesce(sum(hashtextextended(row(${columnList(client, table)})::text, 0)::numeric), 0)::text as fingerprint
     from ${qualifiedName(client, table)}`,
  );
  return { ...table, rowCount: Number(rows[0]?.count), fingerprint: rows[0]?.fingerprint ?? '' };
}

/** listSequences returns where each sequence stands. */
export async function listSequences(client: Client): Promise<SequenceState[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and ${ourSchemas} order by 1`,
  );
  const states: SequenceState[] = [];
  for (const { name } of rows) {
    const state = await client.query<{ last_value: string; is_called: boolean }>(
      `select last_value::text, is_called from ${name}`,
    );
    states.push({ name, lastValue: state.rows[0]?.last_value ?? '1', isCalled: state.rows[0]?.is_called ?? false });
  }
  return states;
}
