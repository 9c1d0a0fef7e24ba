/** What the rules for tables say is read back from the catalogue, so that a table that breaks one cannot stay unnoticed. */
import type { Tx } from './types.ts';

/** A table or view of ours; `dbos` belongs to the job engine and follows its own rules. */
const ours = `(n.nspname in ('auth', 'kernel') or n.nspname like 'app\\_%')`;
const ourTables = `pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and not c.relispartition and ${ours}`;

/** Each rule is a query for what breaks it, one finding per row. */
const rules = {
  /**
   * A foreign key whose columns do not begin an index makes every delete of the parent read the whole child. An index that
   * leaves out the rows where the key is null serves as well.
   */
  foreignKeyWithoutIndex: `
    select format('%s: foreign key %s (%s)', k.conrelid::regclass, k.conname,
      (select string_agg(a.attname, ', ' order by p.place) from unnest(k.conkey) with ordinality p(attnum, place)
       join pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.attnum)) as finding
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and k.conparentid = 0 and ${ours}
      and not exists (
        select from pg_index i where i.indrelid = k.conrelid
          and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) in (
            select format('(%I IS NOT NULL)', a.attname) from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any(k.conkey)))
          and (select array_agg(x order by x) from unnest(k.conkey) x)
            = (select array_agg(x order by x) from unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) x))`,
  /** Tenant data without forced row-level security would be everybody's. */
  tenantTableWithoutForcedSecurity: `
    select format('%s', c.oid::regclass) as finding from ${ourTables}
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
      and n.nspname <> 'auth' and not (c.relrowsecurity and c.relforcerowsecurity)`,
  /** A request's role reaching a table without tenant_id would see all tenants' rows. */
  requestRoleBeyondTenants: `
    select format('%s', c.oid::regclass) as finding from ${ourTables}
      and not (c.relrowsecurity and c.relforcerowsecurity)
      and has_table_privilege('bulkhead_app', c.oid, 'select, insert, update, delete, truncate, references, trigger')`,
  tenantIdNullable: `
    select format('%s', c.oid::regclass) as finding from ${ourTables} and n.nspname <> 'auth'
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname in ('tenant_id', 'owner_id') and not a.attnotnull and not a.attisdropped
        and (a.attname = 'tenant_id' or c.relforcerowsecurity))`,
  tableWithoutComment: `
    select format('%s', c.oid::regclass) as finding from ${ourTables} and obj_description(c.oid, 'pg_class') is null`,
  columnWithoutComment: `
    select format('%s.%I', c.oid::regclass, a.attname) as finding
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and ${ours}
      and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null`,
  timeWithoutZone: `
    select format('%s.%I', c.oid::regclass, a.attname) as finding
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and ${ours} and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)`,
  tableWithoutPrimaryKey: `
    select format('%s', c.oid::regclass) as finding from ${ourTables}
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
  invalidIndex: `
    select format('%s', i.indexrelid::regclass) as finding
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ours} and not i.indisvalid`,
  roleAboveTheRules: `
    select format('%s is %s', r.rolname, case when r.rolsuper then 'a superuser' when r.rolbypassrls then 'free of row-level security'
      when r.rolcreaterole then 'allowed to make roles' else 'the owner of ' || o.relname end) as finding
    from pg_roles r left join lateral (
      select c.oid::regclass::text as relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relowner = r.oid and ${ours} limit 1) o on true
    where r.rolname in ('bulkhead_app', 'bulkhead_system', 'bulkhead_auth')
      and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or o.relname is not null)`,
} as const;

/** CatalogueRule names a rule for tables. */
export type CatalogueRule = keyof typeof rules;

export const catalogueRules = Object.keys(rules) as readonly CatalogueRule[];

/** findCatalogueProblems returns what breaks each rule, `schema.table[.column]` and why; every list is empty when all is well. */
export async function findCatalogueProblems(tx: Pick<Tx, 'query'>): Promise<Record<CatalogueRule, string[]>> {
  const problems = {} as Record<CatalogueRule, string[]>;
  for (const rule of catalogueRules) {
    const rows = await tx.query<{ finding: string }>({ text: `${rules[rule]} order by 1` });
    problems[rule] = rows.map((row) => row.finding);
  }
  return problems;
}

/** CatalogueTable is a table as tests and pages see it. */
export interface CatalogueTable {
  readonly schema: string;
  readonly table: string;
  readonly isTenantTable: boolean;
  readonly isPersonalTable: boolean;
}

/** listCatalogueTables names every table of ours, for tests that walk them all. */
export function listCatalogueTables(tx: Pick<Tx, 'query'>): Promise<CatalogueTable[]> {
  return tx.query<CatalogueTable>({
    text: `select n.nspname as schema, c.relname as table,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as "isTenantTable",
        coalesce((select pg_get_expr(p.polqual, p.polrelid) like '%app.user_id%' from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant_isolation'), false) as "isPersonalTable"
      from ${ourTables} order by 1, 2`,
  });
}

/** hasIndexPrefix tells whether an index of the table begins with these columns in this order (for list orders). */
export async function hasIndexPrefix(
  tx: Pick<Tx, 'query'>,
  table: string,
  columns: readonly string[],
): Promise<boolean> {
  const rows = await tx.query<{ found: boolean }>({
    text: `select exists (
        select from pg_index i where i.indrelid = $1::regclass and i.indpred is null
          and (select array_agg(a.attname::text order by k.place) from unnest(i.indkey::int2[]) with ordinality k(attnum, place)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum where k.place <= cardinality($2::text[])) = $2::text[]) as found`,
    values: [table, columns],
  });
  return rows[0]?.found ?? false;
}
