/** Organisations as the API shows them; every query names the person it is for, because this role sees everybody's. */
import type { Principal, Role } from '#kernel/auth';
import { decodeCursor, encodeCursor } from '#kernel/contract';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { isId, newId } from '#kernel/ids';
import type { Organisation, OrganisationSummary } from './contract.ts';
import { tenancyErrors } from './errors.ts';

/** readIdCursor is the id after which a list goes on, or null at its start. Throws INVALID_REQUEST. */
export function readIdCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [id, ...more] = decodeCursor(cursor) ?? [];
  if (more.length === 0 && isId(id)) return id;
  throw kernelErrors.INVALID_REQUEST({
    errors: [{ pointer: '/query/cursor', detail: 'is not a cursor of this list' }],
  });
}

/** toPage cuts the row that was read beyond the limit, and points behind the last one shown. */
export function toPage<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(toItem), nextCursor: rows.length > limit && last ? encodeCursor([last.id]) : null };
}

export interface OrganizationRow {
  readonly id: string;
  readonly name: string;
  readonly is_personal: boolean;
  readonly role: Role;
}

/** toSummary shows an organisation of the caller. */
export function toSummary(row: OrganizationRow, currentTenantId: string): OrganisationSummary {
  const { id, name, role } = row;
  return { id, name, role, isPersonal: row.is_personal, isCurrent: id === currentTenantId };
}

/** listOrganizations reads those a person belongs to, oldest first. */
export function listOrganizations(
  tx: Tx,
  userId: string,
  after: string | null,
  limit: number,
): Promise<OrganizationRow[]> {
  return tx.query<OrganizationRow>({
    name: 'tenancy-list-organizations',
    text: `select o.id, o.name, o.personal_user_id is not null as is_personal, m.role
           from auth.members m join auth.organizations o on o.id = m.tenant_id
           where m.user_id = $1 and ($2::uuid is null or m.tenant_id > $2) order by m.tenant_id limit $3`,
    values: [userId, after, limit],
  });
}

/** findOrganization finds one that a person belongs to, or null. */
export async function findOrganization(tx: Tx, tenantId: string, userId: string): Promise<OrganizationRow | null> {
  const [row] = await tx.query<OrganizationRow>({
    text: `select o.id, o.name, o.personal_user_id is not null as is_personal, m.role
           from auth.members m join auth.organizations o on o.id = m.tenant_id where m.tenant_id = $1 and m.user_id = $2`,
    values: [tenantId, userId],
  });
  return row ?? null;
}

/** readOrganization is the caller's current one in full. Throws UNAUTHENTICATED when they belong to it no more. */
export async function readOrganization(
  tx: Tx,
  { tenantId, userId, via }: Principal,
): Promise<Omit<Organisation, 'sendsMail'>> {
  const [row] = await tx.query<OrganizationRow & { created_at: Date; members: number; owners: number }>({
    text: `select o.id, o.name, o.personal_user_id is not null as is_personal, o.created_at, case when $3 then 'viewer' else m.role end as role, c.members, c.owners
           from auth.organizations o left join auth.members m on m.tenant_id = o.id and m.user_id = $2
           cross join lateral (select count(*)::int as members, (count(*) filter (where role = 'owner'))::int as owners
             from auth.members where tenant_id = o.id) c
           where o.id = $1 and (m.user_id is not null or $3)`,
    values: [tenantId, userId, via.kind === 'support'],
  });
  if (!row) throw kernelErrors.UNAUTHENTICATED();
  return {
    id: row.id,
    name: row.name,
    isPersonal: row.is_personal,
    role: row.role,
    memberCount: row.members,
    ownerCount: row.owners,
    createdAt: row.created_at.toISOString(),
  };
}

/** createOrganization makes a shared one that `userId` owns. Throws ORGANISATION_LIMIT beyond `most`, however many ask at once. */
export async function createOrganization(tx: Tx, userId: string, name: string, most: number): Promise<string> {
  await tx.query({ text: 'select id from auth.users where id = $1 for no key update', values: [userId] });
  const [row] = await tx.query<{ owned: number }>({
    text: `select count(*)::int as owned from auth.members m join auth.organizations o on o.id = m.tenant_id
           where m.user_id = $1 and m.role = 'owner' and o.personal_user_id is null`,
    values: [userId],
  });
  if ((row?.owned ?? 0) >= most) throw tenancyErrors.ORGANISATION_LIMIT();
  const tenantId = newId();
  await tx.query({ text: 'insert into auth.organizations (id, name) values ($1, $2)', values: [tenantId, name] });
  await tx.query({
    text: `insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'owner')`,
    values: [tenantId, userId],
  });
  return tenantId;
}

/** moveSession lets one session of a person work elsewhere, and new ones start there; false when it has ended. */
export async function moveSession(tx: Tx, userId: string, sessionId: string, tenantId: string): Promise<boolean> {
  const moved = await tx.query({
    text: 'update auth.sessions set tenant_id = $3, updated_at = now() where id = $1 and user_id = $2 returning id',
    values: [sessionId, userId, tenantId],
  });
  if (moved.length === 0) return false;
  await tx.query({ text: 'update auth.users set home_tenant_id = $2 where id = $1', values: [userId, tenantId] });
  return true;
}
