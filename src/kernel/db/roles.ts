/** The roles requests and jobs log in as exist, cannot bypass row-level security, and have passwords only we can derive. */
import { hkdfSync } from 'node:crypto';
import type { Client } from 'pg';
import { DatabaseStartError, errorCode } from './errors.ts';

/** RoleName is a PostgreSQL role of ours; roles belong to the whole cluster, not to one database. */
export type RoleName = 'bulkhead_owner' | 'bulkhead_app' | 'bulkhead_system' | 'bulkhead_auth';

/** loginRoles are the roles the running server works as; the owner is only for migrations. */
export const loginRoles = ['bulkhead_app', 'bulkhead_system', 'bulkhead_auth'] as const;

const purposes: Record<RoleName, string> = {
  bulkhead_owner: 'owns the schemas and runs migrations',
  bulkhead_app: 'requests, bound to one tenant',
  bulkhead_system: 'work across tenants',
  bulkhead_auth: 'accounts and sessions',
};

function derive(authSecret: string, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.from(authSecret, 'base64'), 'bulkhead', info, bytes));
}

/** rolePassword derives a role's password from AUTH_SECRET (HKDF-SHA256, 32 bytes, base64url). */
export function rolePassword(authSecret: string, role: RoleName): string {
  return derive(authSecret, `database role ${role}`, 32).toString('base64url');
}

/** The comment on each role names the secret its password came from, so that a warm start need not set it again. */
function roleComment(authSecret: string, role: RoleName): string {
  return `Bulkhead: ${purposes[role]} (secret ${derive(authSecret, 'database role fingerprint', 6).toString('hex')})`;
}

interface RoleRow {
  rolname: RoleName;
  rolsuper: boolean;
  rolbypassrls: boolean;
  comment: string | null;
}

async function readRoles(client: Client): Promise<Map<RoleName, RoleRow>> {
  const { rows } = await client.query<RoleRow>(
    `select rolname, rolsuper, rolbypassrls, shobj_description(oid, 'pg_authid') as comment
     from pg_roles where rolname = any($1)`,
    [Object.keys(purposes)],
  );
  return new Map(rows.map((row) => [row.rolname, row]));
}

/** Two servers starting at once on one cluster collide here; whoever loses simply finds the work done. */
const raceCodes = new Set(['42710', '23505', 'XX000']);

async function runTolerantly(client: Client, sql: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await client.query(sql);
      return;
    } catch (error) {
      if (!raceCodes.has(errorCode(error))) throw error;
      // "already exists" means done; "tuple concurrently updated" means once more.
      if (errorCode(error) !== 'XX000' || attempt >= 20) return;
    }
  }
}

/** sqlForOperator is what a superuser runs once so that this user may set the roles up itself. */
function sqlForOperator(client: Client, existing: ReadonlyMap<RoleName, RoleRow>): string {
  const user = client.escapeIdentifier(client.user ?? '');
  const missing = loginRoles.filter((role) => !existing.has(role));
  return [
    ...missing.map((role) => `CREATE ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS;`),
    `ALTER ROLE ${user} CREATEROLE;`,
    `GRANT ${loginRoles.join(', ')} TO ${user} WITH ADMIN OPTION;`,
    `GRANT CREATE, CONNECT ON DATABASE ${client.escapeIdentifier(client.database ?? '')} TO ${user};`,
  ].join('\n  ');
}

async function setUpRole(
  client: Client,
  role: RoleName,
  existing: RoleRow | undefined,
  authSecret: string,
): Promise<void> {
  const comment = roleComment(authSecret, role);
  if (existing?.comment === comment && !existing.rolsuper && !existing.rolbypassrls) return;
  if (existing?.rolsuper || existing?.rolbypassrls) {
    throw new DatabaseStartError(
      'ISOLATION_BROKEN',
      `The role ${role} is a superuser or bypasses row-level security, so tenants would not be kept apart. ` +
        `Run: ALTER ROLE ${role} NOSUPERUSER NOBYPASSRLS;`,
    );
  }
  const password = client.escapeLiteral(rolePassword(authSecret, role));
  // The owner makes scratch databases to verify backups in.
  const rights = role === 'bulkhead_owner' ? ' createdb' : '';
  if (!existing) await runTolerantly(client, `create role ${role} login noinherit${rights} password ${password}`);
  else await runTolerantly(client, `alter role ${role} login password ${password}`);
  await runTolerantly(client, `comment on role ${role} is ${client.escapeLiteral(comment)}`);
}

/**
 * ensureRoles creates what is missing and sets passwords that came from another AUTH_SECRET. Throws ROLES_MISSING with
 * the SQL to run when the connecting user may not.
 */
export async function ensureRoles(client: Client, authSecret: string, roles: readonly RoleName[]): Promise<void> {
  const existing = await readRoles(client);
  for (const role of roles) {
    try {
      await setUpRole(client, role, existing.get(role), authSecret);
    } catch (error) {
      if (errorCode(error) !== '42501') throw error;
      throw new DatabaseStartError(
        'ROLES_MISSING',
        `The user of DATABASE_URL may not create or change the role ${role}. As a superuser, run once:\n  ` +
          sqlForOperator(client, existing),
        error,
      );
    }
  }
}
