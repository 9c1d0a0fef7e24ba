/**
 * Changes of membership happen one at a time per organisation, and are judged by what is true under the lock: an
 * organisation never loses its last owner, and who was demoted a moment ago changes nothing any more (K3.1).
 */
import type { Principal, Role } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { tenancyErrors } from './errors.ts';
import { organisationPolicy, type OrganisationPermission } from './organisation-permissions.ts';
import { findHomeOrganization } from './personal-organization.ts';

/** LockedOrganization is an organisation whose members nobody else changes until the transaction ends. */
export interface LockedOrganization {
  readonly tenantId: string;
  readonly name: string;
  readonly isPersonal: boolean;
  /** The caller's role as of now. */
  readonly role: Role;
}

/** lockOrganization waits its turn. Throws UNAUTHENTICATED when the caller belongs to it no more, FORBIDDEN without `permission`. */
export async function lockOrganization(
  tx: Tx,
  { tenantId, userId }: Principal,
  permission: OrganisationPermission | null,
): Promise<LockedOrganization> {
  // Not `for update`: that would make everybody wait who only refers to the organisation.
  const [row] = await tx.query<{ name: string; is_personal: boolean }>({
    text: `select name, personal_user_id is not null as is_personal from auth.organizations where id = $1 for no key update`,
    values: [tenantId],
  });
  const role = await readRole(tx, tenantId, userId);
  if (!row || role === null) throw kernelErrors.UNAUTHENTICATED();
  const held: readonly string[] = organisationPolicy[role];
  if (permission !== null && !held.includes(permission)) throw kernelErrors.FORBIDDEN({ extensions: { permission } });
  return { tenantId, name: row.name, isPersonal: row.is_personal, role };
}

/** readRole is somebody's role in an organisation, or null. */
export async function readRole(tx: Tx, tenantId: string, userId: string): Promise<Role | null> {
  const [row] = await tx.query<{ role: Role }>({
    text: 'select role from auth.members where tenant_id = $1 and user_id = $2',
    values: [tenantId, userId],
  });
  return row?.role ?? null;
}

/** assertNotLastOwner throws LAST_OWNER when `userId` is the only owner; one who has asked to be deleted is about to go. */
export async function assertNotLastOwner(tx: Tx, { tenantId }: LockedOrganization, userId: string): Promise<void> {
  const [row] = await tx.query<{ others: number }>({
    text: `select count(*)::int as others from auth.members m
           where m.tenant_id = $1 and m.role = 'owner' and m.user_id <> $2
             and not exists (select from kernel.erasures e where e.kind = 'person' and e.subject_id = m.user_id)`,
    values: [tenantId, userId],
  });
  if ((row?.others ?? 0) === 0) throw tenancyErrors.LAST_OWNER();
}

/** isAboveAdmins tells the roles that only owners give, change and take away. */
function isAboveAdmins(role: Role): boolean {
  return role === 'owner' || role === 'admin';
}

/** assertMayManage throws OWNERS_ONLY when the caller is an admin and an owner or admin is concerned. */
export function assertMayManage({ role }: LockedOrganization, ...concerned: readonly Role[]): void {
  if (role !== 'owner' && concerned.some(isAboveAdmins)) throw tenancyErrors.OWNERS_ONLY();
}

/** setRole changes a role. Links that somebody made who may not invite any more stop working; returns how many. */
export async function setRole(tx: Tx, { tenantId }: LockedOrganization, userId: string, role: Role): Promise<number> {
  await tx.query({
    text: 'update auth.members set role = $3 where tenant_id = $1 and user_id = $2',
    values: [tenantId, userId, role],
  });
  const mayInvite: readonly string[] = organisationPolicy[role];
  return mayInvite.includes('organisation.invitation.write') ? 0 : dropLinks(tx, tenantId, userId);
}

/** Whoever made a link may still know it, and could come back by it. What was mailed, only its reader knows. */
async function dropLinks(tx: Tx, tenantId: string, userId: string): Promise<number> {
  const rows = await tx.query({
    text: 'delete from auth.invitations where tenant_id = $1 and created_by = $2 and email is null returning id',
    values: [tenantId, userId],
  });
  return rows.length;
}

/**
 * dropProviderLinks unlinks the organisation's own identity providers from who belongs to it no more: they could go on signing
 * in as that person, into everything else the person has. Left are accounts with an address of its domains, which are its
 * to speak for, and the last way into an account.
 */
export async function dropProviderLinks(tx: Tx, tenantId: string, userId: string): Promise<void> {
  await tx.query({
    text: `with own as (select id::text as provider_id from auth.sso_connections where tenant_id = $1)
           delete from auth.accounts a where a.user_id = $2 and a.provider_id in (select provider_id from own)
             and not exists (select from auth.users u join auth.sso_domains d on d.domain = substring(u.email from '[^@]*$')
                             where u.id = $2 and d.tenant_id = $1 and d.verified_at is not null)
             and (exists (select from auth.passkeys p where p.user_id = $2)
               or exists (select from auth.accounts o where o.user_id = $2 and o.provider_id not in (select provider_id from own)
                          and (o.provider_id <> 'credential' or o.password is not null)))`,
    values: [tenantId, userId],
  });
}

/** endMembership takes somebody out. Their sessions go on at home, or end where there is none; returns home. */
export async function endMembership(tx: Tx, { tenantId }: LockedOrganization, userId: string): Promise<string | null> {
  await dropLinks(tx, tenantId, userId);
  await tx.query({
    text: 'delete from auth.members where tenant_id = $1 and user_id = $2',
    values: [tenantId, userId],
  });
  await dropProviderLinks(tx, tenantId, userId);
  const home = await findHomeOrganization(tx, userId);
  await tx.query({
    text: home
      ? 'update auth.sessions set tenant_id = $3, updated_at = now() where user_id = $1 and tenant_id = $2'
      : 'delete from auth.sessions where user_id = $1 and tenant_id = $2 and $3::uuid is null',
    values: [userId, tenantId, home],
  });
  return home;
}
