/** What is brought back gets new ids, always the same ones for whom and where, so that nothing comes in twice. */
import { createHash } from 'node:crypto';
import type { TenantScope } from '#kernel/db';

/**
 * newIdFor makes a UUIDv7: the time of the old id (its first 48 bits), then 74 bits of SHA-256 over organisation, person
 * and old id. So lists keep their order, an archive brought in again finds what it made before, and an archive made for
 * it cannot hit the id of anything else.
 */
export function newIdFor({ tenantId, userId }: Required<TenantScope>, oldId: string): string {
  const old = oldId.toLowerCase();
  const digest = createHash('sha256').update(`${tenantId} ${userId} ${old}`).digest('hex');
  const variant = ((Number.parseInt(digest.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${old.slice(0, 13)}-7${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}
