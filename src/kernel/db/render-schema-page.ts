/** The schema page is the catalogue in Markdown: it cannot say anything the database does not. */
import type { Tx } from './types.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly fallback: string | null;
  readonly comment: string | null;
}

interface Table {
  readonly schema: string;
  readonly table: string;
  readonly comment: string | null;
  readonly columns: readonly Column[];
  readonly constraints: readonly string[];
  readonly indexes: readonly string[];
  readonly policies: readonly string[];
  readonly grants: readonly string[];
}

/** One query for everything: aggregates per table, in a stable order, so that the page only changes with the schema. */
const tablesSql = `
  select n.nspname as schema, c.relname as table, obj_description(c.oid, 'pg_class') as comment,
    (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'isRequired', a.attnotnull,
        'fallback', case when a.attidentity <> '' then 'identity' when a.attgenerated <> '' then 'generated' else pg_get_expr(d.adbin, d.adrelid) end,
        'comment', col_description(c.oid, a.attnum)) order by a.attnum)
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(json_agg(pg_get_constraintdef(k.oid) order by k.contype, k.conname), '[]') from pg_constraint k
      where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')) as constraints,
    (select coalesce(json_agg(regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX (\\S+) ON \\S+ USING ', '\\2: \\1') order by i.indexrelid::regclass::text), '[]')
      from pg_index i where i.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))) as indexes,
    (select coalesce(json_agg(format('%s for %s: %s', p.polname,
        (select string_agg(case when r = 0 then 'public' when r = c.relowner then 'the owner' else r::regrole::text end, ', ') from unnest(p.polroles) r),
        coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))) order by p.polname), '[]')
      from pg_policy p where p.polrelid = c.oid) as policies,
    (select coalesce(json_agg(format('%s: %s', g.grantee, g.verbs) order by g.grantee), '[]') from (
        select x.grantee::regrole::text as grantee, string_agg(lower(x.privilege_type), ', ' order by x.privilege_type) as verbs
        from aclexplode(c.relacl) x where x.grantee <> 0 and x.grantee <> c.relowner group by 1) g) as grants
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and (n.nspname in ('auth', 'kernel') or n.nspname like 'app\\_%')
  order by 1, 2`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0
    ? []
    : ['', `${title}:`, '', ...items.map((item) => `- \`${cell(item).replaceAll('`', "'")}\``)];
}

function renderTable(table: Table): string[] {
  const rows = table.columns.map(
    (column) =>
      `| \`${column.name}\` | ${cell(column.type)} | ${column.isRequired ? 'yes' : ''} | ${column.fallback ? `\`${cell(column.fallback)}\`` : ''} | ${cell(column.comment ?? '')} |`,
  );
  return [
    `### ${table.schema}.${table.table}`,
    '',
    table.comment ?? '',
    '',
    '| column | type | required | default | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    ...list('Constraints', table.constraints),
    ...list('Indexes', table.indexes),
    ...list('Row-level security', table.policies),
    ...list('Rights', table.grants),
    '',
  ];
}

/** renderSchemaPage returns `docs/reference/schema.md` for the database of `tx` (any role may read the catalogue). */
export async function renderSchemaPage(tx: Pick<Tx, 'query'>): Promise<string> {
  const tables = await tx.query<Table>({ text: tablesSql });
  const schemas = await tx.query<{ name: string; comment: string | null }>({
    text: `select nspname as name, obj_description(oid, 'pg_namespace') as comment from pg_namespace
      where nspname in ('auth', 'kernel') or nspname like 'app\\_%' order by 1`,
  });
  const lines = [
    '# Database schema',
    '',
    'Generated from the catalogue of a freshly migrated database; do not edit.',
    '',
  ];
  for (const schema of schemas) {
    lines.push(`## Schema ${schema.name}`, '', schema.comment ?? '', '');
    for (const table of tables.filter((candidate) => candidate.schema === schema.name))
      lines.push(...renderTable(table));
  }
  return `${lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}
