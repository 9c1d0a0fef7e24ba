/** The tables that hold what belongs to organisations: what the victim has in them, and tries to reach it by SQL. */
import type { Database, TenantScope } from '#kernel/db';

type Query = <Row>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

export interface TenantTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Those that a statement may set: not what the database numbers by itself. */
  readonly settable: readonly string[];
}

/** Property is what the victim has: its ids, its texts that nobody else has, and a digest of its rows by table. */
export interface Property {
  readonly ids: ReadonlySet<string>;
  readonly texts: readonly string[];
  readonly digests: ReadonlyMap<string, string>;
}

/** readTables lists every table with a tenant_id outside the schema of identity, whose roles are others. */
export function readTables(query: Query): Promise<TenantTable[]> {
  return query<TenantTable>(`
    select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attnum) as columns,
      array_agg(a.attname::text order by a.attnum) filter (where a.attidentity <> 'a') as settable
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relkind in ('r', 'p') and not c.relispartition and (n.nspname = 'kernel' or n.nspname like 'app\\_%')
    group by c.oid having bool_or(a.attname = 'tenant_id') order by 1`);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const shortestSecret = 16;

/** leavesOf lists the texts inside a row, also those inside JSON columns. */
function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}

/** What people write, which both organisations' samples have alike. */
const written = [
  ['app_agents.agents', 'name'],
  ['app_agents.agents', 'instructions'],
  ['app_agents.conversations', 'title'],
  ['app_agents.messages', 'text'],
  ['app_agents.documents', 'title'],
  ['app_agents.passages', 'text'],
  ['kernel.model_connections', 'name'],
  ['kernel.notifications', 'title'],
] as const;

/** markProperty gives the victim's writings words that nobody else has, so that they are known wherever they turn up. */
export async function markProperty(query: Query, victimId: string): Promise<void> {
  for (const [table, column] of written)
    await query(`update ${table} set ${column} = 'only the victim’s: ' || id where tenant_id = $1`, [victimId]);
}

export interface Between {
  readonly victimId: string;
  readonly strangerId: string;
  /** What a stranger has seen rightly: nothing in it is a secret. */
  readonly known: string;
}

/** readProperty reads as a superuser what the victim has and the stranger has not. */
export async function readProperty(
  query: Query,
  tables: readonly TenantTable[],
  { known, strangerId, victimId }: Between,
): Promise<Property> {
  const ids = new Set<string>([victimId]);
  const texts = new Set<string>();
  const common = new Set<string>();
  const digests = new Map<string, string>();
  for (const { name } of tables) {
    const rows = await query<{ tenant_id: string; row: unknown; text: string }>(
      `select tenant_id, to_jsonb(t) as row, t::text as text from ${name} t where tenant_id in ($1, $2) order by t::text`,
      [victimId, strangerId],
    );
    for (const { tenant_id: tenantId, row } of rows) {
      for (const leaf of leavesOf(row)) {
        if (tenantId !== victimId) common.add(leaf);
        else if (uuid.test(leaf)) ids.add(leaf);
        else if (leaf.length >= shortestSecret) texts.add(leaf);
      }
    }
    const own = rows.filter((row) => row.tenant_id === victimId).map((row) => row.text);
    digests.set(name, own.join('\n'));
  }
  return {
    ids: new Set([...ids].filter((id) => !common.has(id) && (id === victimId || !known.includes(id)))),
    // Times are no secrets: two organisations may well do something in the same microsecond of a fixture.
    texts: [...texts].filter((text) => !common.has(text) && !known.includes(text) && !/^\d{4}-\d\d-\d\dT/.test(text)),
    digests,
  };
}

export const verbs = ['select', 'select all', 'join', 'update', 'steal', 'give', 'delete', 'insert', 'upsert'] as const;
type Verb = (typeof verbs)[number];

interface TableTry {
  readonly table: TenantTable;
  readonly verb: Verb;
  readonly salt: number;
  readonly victimTenantId: string;
}

function statementOf({ table, verb, salt, victimTenantId }: TableTry, own: string): string {
  const { name, columns, settable } = table;
  const theirs = `'${victimTenantId}'::uuid`;
  const list = columns.join(', ');
  const copied = columns.map((column) => (column === 'tenant_id' ? theirs : column)).join(', ');
  const column = columns[salt % columns.length] ?? 'tenant_id';
  const changed = settable[salt % settable.length] ?? 'tenant_id';
  switch (verb) {
    case 'select':
      return `select ${column} from ${name} where tenant_id = ${theirs} order by tenant_id limit ${1 + (salt % 50)}`;
    case 'select all':
      return `select ${column} from ${name} where tenant_id <> '${own}' or tenant_id is null`;
    case 'join':
      return `select a.${column} from ${name} a join ${name} b on b.tenant_id = a.tenant_id where b.tenant_id = ${theirs}`;
    case 'update':
      return `update ${name} set ${changed} = ${changed} where tenant_id = ${theirs} returning 1`;
    case 'steal':
      return `update ${name} set tenant_id = '${own}' where tenant_id <> '${own}' returning 1`;
    case 'give':
      return `update ${name} set tenant_id = ${theirs} where tenant_id = '${own}' returning 1`;
    case 'delete':
      return `delete from ${name} where tenant_id = ${theirs} returning 1`;
    case 'insert':
      return `insert into ${name} (${list}) overriding system value select ${copied} from ${name} returning 1`;
    case 'upsert':
      return `insert into ${name} (${list}) overriding system value select ${copied} from ${name} on conflict do nothing returning 1`;
  }
}

/** Outcome is how many rows a statement reached, and the SQLSTATE by which the database refused it, if it did. */
export interface Outcome {
  readonly reached: number;
  readonly refusal: string | null;
}

/** A statement that the database does not understand proves nothing: syntax, unknown names, wrong types. */
const senseless = /^42(?!501)/;

function stateOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  throw error;
}

/** tryTable runs one statement as a request of the stranger would. Throws when the statement itself is wrong. */
export async function tryTable(db: Database, scope: TenantScope, one: TableTry): Promise<Outcome> {
  const text = statementOf(one, scope.tenantId);
  try {
    const rows = await db.withTenant(scope, (tx) => tx.query({ text }));
    return { reached: rows.length, refusal: null };
  } catch (error) {
    const refusal = stateOf(error);
    if (senseless.test(refusal)) throw new Error(`${refusal}: ${text}`, { cause: error });
    return { reached: 0, refusal }; // which is what is hoped for
  }
}
