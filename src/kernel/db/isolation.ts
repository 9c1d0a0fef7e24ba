/** A server does not start on a database whose tenants are not kept apart (K3.2). */
import type { Client } from 'pg';
import { DatabaseStartError } from './errors.ts';
import { loginRoles } from './roles.ts';

/** Tables that hold tenant data must have forced security; our roles must have no way around it. */
const brokenIsolationSql = `
  select format('table %s holds tenant_id without forced row-level security', c.oid::regclass) as finding
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
  where c.relkind in ('r', 'p') and (n.nspname = 'kernel' or n.nspname like 'app\\_%')
    and not (c.relrowsecurity and c.relforcerowsecurity)
  union all
  select format('role %s is a superuser or bypasses row-level security', rolname)
  from pg_roles where rolname = any($1) and (rolsuper or rolbypassrls)
  union all
  select format('role %s owns %s', r.rolname, c.oid::regclass)
  from pg_class c join pg_roles r on r.oid = c.relowner
  where r.rolname = 'bulkhead_app' and c.relkind in ('r', 'p', 'v', 'm')
  union all
  select format('role %s is a member of %s', m.rolname, g.rolname)
  from pg_auth_members am join pg_roles m on m.oid = am.member join pg_roles g on g.oid = am.roleid
  where m.rolname = any($1)`;

/** findBrokenIsolation lists each place where row-level security could be passed by; empty when all is well. */
export async function findBrokenIsolation(client: Pick<Client, 'query'>): Promise<string[]> {
  const { rows } = await client.query<{ finding: string }>(brokenIsolationSql, [loginRoles]);
  return rows.map((row) => row.finding);
}

/** assertIsolation throws ISOLATION_BROKEN naming every finding. */
export async function assertIsolation(client: Pick<Client, 'query'>): Promise<void> {
  const findings = await findBrokenIsolation(client);
  if (findings.length === 0) return;
  throw new DatabaseStartError(
    'ISOLATION_BROKEN',
    `The database does not keep tenants apart:\n  ${findings.join('\n  ')}`,
  );
}
