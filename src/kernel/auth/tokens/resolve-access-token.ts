/** An access token becomes its person on a device: all that their role may, nothing that needs a browser's recent proof. */
import type { BearerParts, BearerResolver } from '../bearer.ts';
import { isSecret, parseToken } from '../bearer-token.ts';
import { authErrors } from '../errors.ts';
import type { CacheEntry } from '../session-cache.ts';
import { findAccess } from './token-store.ts';

const cacheMilliseconds = 5_000;

/** createAccessTokenResolver knows `bat_` tokens; one that has expired is told from one that is wrong, so that a device refreshes it. */
export function createAccessTokenResolver({ db, cache, now }: BearerParts): BearerResolver {
  async function load({ id, secret }: { id: string; secret: string }): Promise<CacheEntry | null> {
    const row = await db.withAuth((tx) => findAccess(tx, id));
    if (!row || !isSecret(secret, row.access_hash)) return null;
    const time = now();
    const endsAt = row.access_expires_at.getTime();
    if (endsAt <= time) throw authErrors.ACCESS_TOKEN_EXPIRED();
    return {
      principal: Object.freeze({
        userId: row.user_id,
        tenantId: row.tenant_id,
        role: row.role,
        via: Object.freeze({ kind: 'token' as const, familyId: row.family_id }),
      }),
      subject: `family:${row.family_id}`,
      until: Math.min(time + cacheMilliseconds, endsAt),
    };
  }

  return {
    prefix: 'bat_',
    resolve(token) {
      const parts = parseToken('bat', token);
      return parts ? cache.resolve(token, () => load(parts)) : Promise.resolve(null);
    },
  };
}
