/** Reads who somebody is and what they may do, as the web app needs it on each start. */
import type { z } from 'zod';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { permissionsOf } from '#kernel/tenancy';
import type { signedInPerson } from './contract.ts';
import type { KnownApp } from './create-identity.ts';
import { pictureUrlOf } from './picture-url.ts';
import type { Role, Via } from './principal.ts';

export type SignedInPerson = z.input<typeof signedInPerson>;

interface PersonRow {
  user_name: string;
  email: string;
  email_verified: boolean;
  username: string | null;
  image: string | null;
  organization_name: string;
  is_personal: boolean;
  role: Role;
  is_operator: boolean;
  support_until: Date | null;
}

/**
 * readPerson needs the auth role. Throws UNAUTHENTICATED when the membership has ended. Whoever visits by an organisation's
 * consent is a viewer there, whatever else they are.
 */
export async function readPerson(
  tx: Tx,
  who: { userId: string; tenantId: string; scopes?: readonly string[]; via?: Via },
  apps: readonly KnownApp[],
): Promise<SignedInPerson> {
  const [row] = await tx.query<PersonRow>({
    name: 'auth-read-person',
    text: `select u.name as user_name, u.email, u.email_verified, u.username, u.image, o.name as organization_name, o.personal_user_id is not null as is_personal, case when g.id is null then m.role else 'viewer' end as role, u.is_operator,
             g.expires_at as support_until
           from auth.users u
           join auth.organizations o on o.id = $2
           left join auth.members m on m.user_id = u.id and m.tenant_id = o.id
           left join auth.support_grants g on g.id = $3 and g.tenant_id = o.id and g.asked_by = u.id
           where u.id = $1 and (m.user_id is not null or g.id is not null)`,
    values: [who.userId, who.tenantId, who.via?.kind === 'support' ? who.via.grantId : null],
  });
  if (!row) throw kernelErrors.UNAUTHENTICATED();
  return {
    user: {
      id: who.userId,
      name: row.user_name,
      email: row.email,
      isEmailVerified: row.email_verified,
      username: row.username,
      pictureUrl: pictureUrlOf(who.userId, row.image),
    },
    organisation: { id: who.tenantId, name: row.organization_name, isPersonal: row.is_personal },
    role: row.role,
    ...(row.support_until ? { support: { until: row.support_until.toISOString() } } : {}),
    // As the routes decide: neither a key nor a device runs the server, and a key does no more than its scopes.
    isOperator: row.is_operator && (who.via === undefined || who.via.kind === 'session'),
    permissions: [...permissionsOf(row.role, apps)].filter((name) => who.scopes?.includes(name) ?? true).sort(),
    apps: apps
      .filter((app) => app.isShown !== false && (app.isOnFor?.(who.tenantId) ?? true))
      .map(({ id, title, tagline }) => ({ id, title, tagline })),
  };
}
