/** Reads who somebody is and what they may do, as the web app needs it on each start. */
import type { z } from 'zod';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { permissionsOf } from '#kernel/tenancy';
import type { signedInPerson } from './contract.ts';
import type { KnownApp } from './create-identity.ts';
import type { Role } from './principal.ts';

export type SignedInPerson = z.input<typeof signedInPerson>;

interface PersonRow {
  user_name: string;
  email: string;
  username: string | null;
  organization_name: string;
  role: Role;
}

/** readPerson needs the auth role. Throws UNAUTHENTICATED when the membership has ended. */
export async function readPerson(
  tx: Tx,
  who: { userId: string; tenantId: string },
  apps: readonly KnownApp[],
): Promise<SignedInPerson> {
  const [row] = await tx.query<PersonRow>({
    name: 'auth-read-person',
    text: `select u.name as user_name, u.email, u.username, o.name as organization_name, m.role
           from auth.members m
           join auth.users u on u.id = m.user_id
           join auth.organizations o on o.id = m.tenant_id
           where m.user_id = $1 and m.tenant_id = $2`,
    values: [who.userId, who.tenantId],
  });
  if (!row) throw kernelErrors.UNAUTHENTICATED();
  return {
    user: { id: who.userId, name: row.user_name, email: row.email, username: row.username },
    organisation: { id: who.tenantId, name: row.organization_name },
    role: row.role,
    permissions: [...permissionsOf(row.role, apps)].sort(),
    apps: apps.filter((app) => app.isShown !== false).map(({ id, title, tagline }) => ({ id, title, tagline })),
  };
}
