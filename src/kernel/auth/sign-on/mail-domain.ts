/** The domain of an address decides which organisation asks for its own sign-on. */
import type { Tx } from '#kernel/db';

/** mailDomainOf returns what stands after the last @. */
export function mailDomainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase();
}

/** isDomainEnforced: the organisation that proved the address's domain insists on its own sign-on. */
export async function isDomainEnforced(tx: Tx, email: string): Promise<boolean> {
  const rows = await tx.query({
    name: 'auth-domain-enforced',
    text: `select from auth.sso_domains d
           join auth.sso_connections c on c.tenant_id = d.tenant_id and c.id = d.connection_id and c.is_enforced
           where d.domain = $1 and d.verified_at is not null`,
    values: [mailDomainOf(email)],
  });
  return rows.length > 0;
}

/**
 * isSignOnRequired: an organisation of which the person is a member and not an owner insists, and they have an address of
 * its domain or came through its provider before; another address since does not lead around it.
 */
export async function isSignOnRequired(tx: Tx, userId: string): Promise<boolean> {
  const rows = await tx.query({
    name: 'auth-sign-on-required',
    text: `select from auth.users u
           join auth.members m on m.user_id = u.id and m.role <> 'owner'
           join auth.sso_connections c on c.tenant_id = m.tenant_id and c.is_enforced
           where u.id = $1 and (
             exists (select from auth.sso_domains d where d.tenant_id = c.tenant_id and d.connection_id = c.id
                       and d.verified_at is not null and d.domain = substring(u.email from '[^@]*$'))
             or exists (select from auth.accounts a where a.user_id = u.id and a.provider_id = c.id::text)) limit 1`,
    values: [userId],
  });
  return rows.length > 0;
}

/** isWayRequired: the provider is one that the person's organisation insists on. */
export async function isWayRequired(tx: Tx, userId: string, providerId: string): Promise<boolean> {
  const rows = await tx.query({
    text: `select from auth.sso_connections c join auth.members m on m.tenant_id = c.tenant_id and m.role <> 'owner'
           where c.id::text = $2 and c.is_enforced and m.user_id = $1`,
    values: [userId, providerId],
  });
  return rows.length > 0;
}
