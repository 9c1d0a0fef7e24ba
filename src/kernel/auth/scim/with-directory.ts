/** A request of a directory runs in one transaction for the organisation whose token it bears, or not at all. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import type { RequestContext } from '#kernel/http';
import { addressKey, type LimitRule } from '#kernel/limits';
import { bearerToken } from '../bearer.ts';
import { isSecret, parseToken } from '../bearer-token.ts';
import { scimErrors } from './errors.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';

/** Directories send thousands of people at once; more than this in a minute is a loop. */
const tokenRule: LimitRule = { name: 'auth.scim-token', max: 1_200, windowSeconds: 60 };
const refusedRule: LimitRule = { name: 'auth.scim-refused', max: 30, windowSeconds: 60 };

/** Directory is the organisation that asks. */
export interface Directory {
  readonly tokenId: string;
  readonly tenantId: string;
  readonly now: Date;
  /** Where the API lives, for `meta.location`. */
  readonly baseUrl: string;
  /** Writes the audit record of this request: the directory's doing, in the organisation's trail. */
  audit(tx: Tx, action: string, resource: string): Promise<void>;
}

interface TokenRow {
  tenant_id: string;
  secret_hash: Buffer;
}

async function findToken(ctx: RequestContext): Promise<{ id: string; tenantId: string }> {
  const token = bearerToken(ctx.headers['authorization'] ?? '');
  const parts = token === null ? null : parseToken('bsc', token);
  const [row] = parts
    ? await ctx.services.db.withAuth((tx) =>
        tx.query<TokenRow>({
          name: 'auth-find-scim-token',
          text: 'select tenant_id, secret_hash from auth.scim_tokens where id = $1',
          values: [parts.id],
        }),
      )
    : [];
  if (parts && row && isSecret(parts.secret, row.secret_hash)) return { id: parts.id, tenantId: row.tenant_id };
  await takeOrRefuse(ctx, refusedRule, addressKey(ctx.address), 'Too many requests without a token that counts.');
  ctx.setHeader('www-authenticate', 'Bearer realm="bulkhead"');
  throw kernelErrors.UNAUTHENTICATED({ detail: 'Send a token of the organisation’s directory.' });
}

/** withDirectory runs `work`; a name that is taken becomes SCIM_TAKEN. Throws UNAUTHENTICATED, RATE_LIMITED. */
export async function withDirectory<T>(
  ctx: RequestContext,
  work: (tx: Tx, directory: Directory) => Promise<T>,
): Promise<T> {
  const { services, address, requestId } = ctx;
  const { id: tokenId, tenantId } = await findToken(ctx);
  await takeOrRefuse(ctx, tokenRule, tokenId, 'The directory asks too often. Wait a little and go on.');
  const now = new Date(services.identity.now());
  const directory: Directory = {
    tokenId,
    tenantId,
    now,
    baseUrl: `${services.config.publicUrl?.replace(/\/+$/, '') ?? ''}/api/v1/scim/v2`,
    audit: (tx, action, resource) =>
      services.audit.record(tx, {
        action,
        resource,
        actor: { kind: 'system', reason: `directory ${tokenId}` },
        tenantId,
        address,
        requestId,
      }),
  };
  try {
    return await services.db.withAuth(async (tx) => {
      await tx.query({
        text: `update auth.scim_tokens set last_used_at = $2
               where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')`,
        values: [tokenId, now],
      });
      return work(tx, directory);
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw scimErrors.SCIM_TAKEN({ cause: error });
    throw error;
  }
}
