/** An organisation with a directory: its token, one person and one group that it provisioned. */
import type { Principal } from '#kernel/auth';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import { formatToken, hashSecret, newSecret } from '../kernel/auth/bearer-token.ts';

/** createDirectory provisions the person themself; the ids are by path parameter, `directorySecret` is the token. */
export async function createDirectory(db: Database, { tenantId, userId }: Principal) {
  const ids = { directoryTokenId: newId(), directoryGroupId: newId(), scimUserId: newId() };
  const secret = newSecret();
  await db.withAuth(async (tx) => {
    await tx.query({
      text: `insert into auth.scim_tokens (id, tenant_id, name, secret_hash) values ($1, $2, 'Mine', $3)`,
      values: [ids.directoryTokenId, tenantId, hashSecret(secret)],
    });
    await tx.query({
      text: `insert into auth.scim_users (id, tenant_id, user_id, user_name, display_name, is_active, created_at, updated_at)
             values ($1, $2, $3, 'mine', 'Mine', true, now(), now())`,
      values: [ids.scimUserId, tenantId, userId],
    });
    await tx.query({
      text: `insert into auth.scim_groups (id, tenant_id, display_name, created_at, updated_at) values ($1, $2, 'Mine', now(), now())`,
      values: [ids.directoryGroupId, tenantId],
    });
  });
  return {
    ...ids,
    scimGroupId: ids.directoryGroupId,
    directorySecret: formatToken('bsc', ids.directoryTokenId, secret),
  };
}
