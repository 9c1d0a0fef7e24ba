/**
 * What a directory may do to people: let them in and put them out of its own organisation, with the roles of its groups.
 * It never takes over an account: only addresses of domains that the organisation has proved are let in, and an account
 * that is there already only when its owner has confirmed the address.
 */
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { createPersonalOrganization, dropProviderLinks } from '#kernel/tenancy';
import { announce } from '../session-store.ts';
import { mailDomainOf } from '../sign-on/mail-domain.ts';
import { scimErrors } from './errors.ts';
import type { UserDraft } from './patch.ts';

/** lockMembers has changes of an organisation's members take turns with everybody else's. */
export async function lockMembers(tx: Tx, tenantId: string): Promise<void> {
  await tx.query({
    text: 'select 1 from auth.organizations where id = $1 for no key update',
    values: [tenantId],
  });
}

/** isAddress is a rough look; what counts is that the domain was proved. */
export function isAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(text);
}

async function isOwnDomain(tx: Tx, tenantId: string, email: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'select 1 from auth.sso_domains where tenant_id = $1 and domain = $2 and verified_at is not null',
    values: [tenantId, mailDomainOf(email)],
  });
  return rows.length > 0;
}

/** findOrCreateAccount returns whose account the address is. Throws SCIM_DOMAIN_NOT_PROVED, SCIM_ACCOUNT_EXISTS. */
export async function findOrCreateAccount(tx: Tx, tenantId: string, email: string, draft: UserDraft): Promise<string> {
  if (!(await isOwnDomain(tx, tenantId, email))) throw scimErrors.SCIM_DOMAIN_NOT_PROVED();
  const [known] = await tx.query<{ id: string; email_verified: boolean }>({
    text: 'select id, email_verified from auth.users where email = $1',
    values: [email],
  });
  if (known && !known.email_verified) throw scimErrors.SCIM_ACCOUNT_EXISTS();
  if (known) return known.id;
  const id = newId();
  await tx.query({
    text: 'insert into auth.users (id, name, email, email_verified, home_tenant_id) values ($1, $2, $3, true, $4)',
    values: [id, draft.displayName, email, tenantId],
  });
  await createPersonalOrganization(tx, { id, name: draft.displayName });
  return id;
}

/**
 * changeAddress gives an account the address that the directory states, where that is the organisation's to say: both the
 * old and the new one are of its domains, and the person neither owns it nor belongs to another. Else the account keeps
 * what it has, and nothing fails. Throws SCIM_TAKEN for somebody else's address.
 */
export async function changeAddress(tx: Tx, tenantId: string, userId: string, address: string): Promise<boolean> {
  const [account] = await tx.query<{ email: string }>({
    text: `select email from auth.users u where id = $1 and not exists (
             select from auth.members m join auth.organizations o on o.id = m.tenant_id
             where m.user_id = u.id and o.personal_user_id is null and (o.id <> $2 or m.role = 'owner')) for update of u`,
    values: [userId, tenantId],
  });
  if (!account || account.email === address || !isAddress(address)) return false;
  const isOurs = (await isOwnDomain(tx, tenantId, account.email)) && (await isOwnDomain(tx, tenantId, address));
  if (!isOurs) return false;
  const others = await tx.query({ text: 'select 1 from auth.users where email = $1', values: [address] });
  if (others.length > 0) throw scimErrors.SCIM_TAKEN();
  await tx.query({
    text: 'update auth.users set email = $2, email_verified = true, updated_at = now() where id = $1',
    values: [userId, address],
  });
  // Links that went to the old address open nothing any more.
  await tx.query({ text: 'delete from auth.mail_proofs where user_id = $1', values: [userId] });
  await announce(tx, `user:${userId}`);
  return true;
}

/** isDeprovisioned tells whether the directory has put the person out; a trigger keeps them out of every way in. */
export async function isDeprovisioned(tx: Tx, tenantId: string, userId: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'select 1 from auth.scim_users where tenant_id = $1 and user_id = $2 and not is_active',
    values: [tenantId, userId],
  });
  return rows.length > 0;
}

/** letIn makes somebody a member, unless they are one in whatever role. */
export async function letIn(tx: Tx, tenantId: string, userId: string): Promise<void> {
  await tx.query({
    text: `insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'member') on conflict do nothing`,
    values: [tenantId, userId],
  });
}

/**
 * putOut ends a membership with its sessions and the organisation's way into the account; keys and tokens of it go along by
 * their foreign keys, and open links that the person made are closed, by which they could come back. Throws SCIM_OWNER_KEPT.
 */
export async function putOut(tx: Tx, tenantId: string, userId: string): Promise<void> {
  const values = [tenantId, userId];
  const [member] = await tx.query<{ role: string }>({
    text: 'select role from auth.members where tenant_id = $1 and user_id = $2',
    values,
  });
  if (member?.role === 'owner') throw scimErrors.SCIM_OWNER_KEPT();
  await tx.query({ text: 'delete from auth.members where tenant_id = $1 and user_id = $2', values });
  await tx.query({ text: 'delete from auth.sessions where tenant_id = $1 and user_id = $2', values });
  await dropProviderLinks(tx, tenantId, userId);
  await tx.query({
    text: 'delete from auth.invitations where tenant_id = $1 and created_by = $2 and email is null',
    values,
  });
  await announce(tx, `user:${userId}`);
}

/** holdersOf lists who has a role by a group, before it stands for another or goes. */
export async function holdersOf(tx: Tx, tenantId: string, groupId: string): Promise<string[]> {
  const rows = await tx.query<{ user_id: string }>({
    text: `select s.user_id from auth.scim_groups g
           join auth.scim_group_members gm on gm.tenant_id = g.tenant_id and gm.group_id = g.id
           join auth.scim_users s on s.tenant_id = gm.tenant_id and s.id = gm.scim_user_id
           where g.tenant_id = $1 and g.id = $2 and g.role is not null`,
    values: [tenantId, groupId],
  });
  return rows.map(({ user_id: userId }) => userId);
}

/**
 * applyRoles gives the people of the directory the highest role of their groups, once a group stands for a role; who is
 * in none of those is a member. `holders` had theirs by a group that may have been the last to stand for one. Owners are left
 * alone. Returns how many roles changed.
 */
export async function applyRoles(tx: Tx, tenantId: string, holders: readonly string[] = []): Promise<number> {
  const rows = await tx.query({
    text: `update auth.members m set role = wanted.role
           from (select s.user_id, coalesce((
                   select g.role from auth.scim_group_members gm
                   join auth.scim_groups g on g.tenant_id = gm.tenant_id and g.id = gm.group_id and g.role is not null
                   where gm.tenant_id = s.tenant_id and gm.scim_user_id = s.id
                   order by array_position(array['admin', 'member', 'viewer'], g.role) limit 1), 'member') as role
                 from auth.scim_users s where s.tenant_id = $1) wanted
           where m.tenant_id = $1 and m.user_id = wanted.user_id and m.role <> 'owner' and m.role <> wanted.role
             and (m.user_id = any($2::uuid[])
               or exists (select from auth.scim_groups where tenant_id = $1 and role is not null))
           returning m.user_id`,
    values: [tenantId, holders],
  });
  return rows.length;
}
