/** One identity provider, one domain waiting for proof and one linked provider of somebody, as rows. */
import type { Principal } from '#kernel/auth';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';

/** createSignOnSamples returns their ids, by the names they have in paths. */
export async function createSignOnSamples(db: Database, { tenantId, userId }: Principal) {
  const [ssoConnectionId, ssoDomainId, linkedAccountId] = [newId(), newId(), newId()];
  await db.withAuth(async (tx) => {
    await tx.query({
      text: `insert into auth.sso_connections (id, tenant_id, name, kind, issuer, client_id)
             values ($1, $2, 'Mine', 'oidc', 'https://id.example.com', 'mine')`,
      values: [ssoConnectionId, tenantId],
    });
    await tx.query({
      text: `insert into auth.sso_domains (id, tenant_id, connection_id, domain, proof_token)
             values ($1, $2, $3, 'mine.invalid', 'token')`,
      values: [ssoDomainId, tenantId, ssoConnectionId],
    });
    await tx.query({
      text: `insert into auth.accounts (id, user_id, provider_id, account_id) values ($1, $2, 'google', $3)`,
      values: [linkedAccountId, userId, newId()],
    });
  });
  return { ssoConnectionId, ssoDomainId, linkedAccountId };
}
