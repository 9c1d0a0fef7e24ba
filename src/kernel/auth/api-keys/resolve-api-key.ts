/** An API key becomes a principal that acts for its maker, within its scopes and its networks, while both still stand. */
import type { BearerParts, BearerResolver } from '../bearer.ts';
import { isSecret, parseToken } from '../bearer-token.ts';
import { authErrors } from '../errors.ts';
import type { Principal } from '../principal.ts';
import type { CacheEntry } from '../session-cache.ts';
import { isAddressAllowed } from './address-list.ts';
import { findApiKey, touchApiKey, type ApiKeyRow } from './api-key-store.ts';

const cacheMilliseconds = 5_000;
const touchMilliseconds = 60_000;

function principalOfKey(row: ApiKeyRow): Principal {
  return Object.freeze({
    userId: row.user_id,
    tenantId: row.tenant_id,
    role: row.role,
    scopes: Object.freeze([...row.scopes]),
    via: Object.freeze({ kind: 'key' as const, keyId: row.id, requestsPerMinute: row.requests_per_minute }),
  });
}

/**
 * createApiKeyResolver knows `bhk_` tokens. Who has the right secret of a key that does not count is told why (401 with
 * its own code); anybody else learns nothing, not even whether there is such a key.
 */
export function createApiKeyResolver({ db, cache, now, later }: BearerParts): BearerResolver {
  async function load(
    { id, secret }: { id: string; secret: string },
    address: string | undefined,
  ): Promise<CacheEntry | null> {
    const row = await db.withAuth((tx) => findApiKey(tx, id));
    if (!row || !isSecret(secret, row.secret_hash)) return null;
    const time = now();
    if (row.revoked_at) throw authErrors.API_KEY_REVOKED();
    if (row.expires_at && row.expires_at.getTime() <= time) throw authErrors.API_KEY_EXPIRED();
    const isAllowed = (from: string | undefined): boolean => isAddressAllowed(from, row.address_allow_list);
    const isTouchDue = time - (row.last_used_at?.getTime() ?? 0) > touchMilliseconds;
    if (isTouchDue && isAllowed(address)) {
      later('record the use of an API key', () => db.withAuth((tx) => touchApiKey(tx, id, address, new Date(time))));
    }
    return {
      principal: principalOfKey(row),
      subject: `key:${id}`,
      until: Math.min(time + cacheMilliseconds, row.expires_at?.getTime() ?? Infinity),
      admit(from) {
        if (!isAllowed(from)) throw authErrors.API_KEY_ADDRESS_REFUSED();
      },
    };
  }

  return {
    prefix: 'bhk_',
    resolve(token, { address }) {
      const parts = parseToken('bhk', token);
      return parts ? cache.resolve(token, () => load(parts, address), address) : Promise.resolve(null);
    },
  };
}
