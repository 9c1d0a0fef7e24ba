/** Each user has exactly one personal organisation, made in the transaction that makes the user (K3.1). */
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';

/** createPersonalOrganization makes a new user's organisation and returns its id. For transactions of withAuth. */
export async function createPersonalOrganization(
  tx: Tx,
  user: { readonly id: string; readonly name: string },
): Promise<string> {
  const tenantId = newId();
  await tx.query({
    text: 'insert into auth.organizations (id, name, personal_user_id) values ($1, $2, $3)',
    values: [tenantId, user.name, user.id],
  });
  await tx.query({
    text: `insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'owner')`,
    values: [tenantId, user.id],
  });
  return tenantId;
}

/** findHomeOrganization returns where a new session starts: where the person worked last, else the personal one, else the oldest, or null. */
export async function findHomeOrganization(tx: Tx, userId: string): Promise<string | null> {
  const [row] = await tx.query<{ tenant_id: string }>({
    text: `select m.tenant_id from auth.members m join auth.organizations o on o.id = m.tenant_id
           join auth.users u on u.id = m.user_id
           where m.user_id = $1 order by (u.home_tenant_id = m.tenant_id) desc nulls last,
             (o.personal_user_id = m.user_id) desc nulls last, m.created_at limit 1`,
    values: [userId],
  });
  return row?.tenant_id ?? null;
}
