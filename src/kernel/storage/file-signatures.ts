/** A link to a file works for one organisation, one file and a limited time; nobody can make or lengthen one. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { FileSignature } from './types.ts';

export interface FileSigner {
  sign(tenantId: string, id: string, expires: number): string;
  isValid(tenantId: string, id: string, given: FileSignature): boolean;
}

/** expiryFor is the end of a link in Unix seconds: at most `lifetimeSeconds` away, and the same for a quarter of it. */
export function expiryFor(nowMilliseconds: number, lifetimeSeconds: number): number {
  const step = Math.max(1, Math.floor(lifetimeSeconds / 4));
  return Math.floor((nowMilliseconds / 1000 + lifetimeSeconds) / step) * step;
}

/** createFileSigner signs with HMAC-SHA256 under a key derived from AUTH_SECRET for this purpose alone. */
export function createFileSigner(authSecret: string, now: () => number): FileSigner {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(authSecret, 'base64'), 'bulkhead', 'file links v1', 32));
  const mac = (tenantId: string, id: string, expires: number) =>
    createHmac('sha256', key).update(`${tenantId}|${id}|${expires}`).digest();
  return {
    sign: (tenantId, id, expires) => mac(tenantId, id, expires).toString('base64url'),
    isValid(tenantId, id, { expires, signature }) {
      const given = Buffer.from(signature, 'base64url');
      const expected = mac(tenantId, id, expires);
      return given.length === expected.length && timingSafeEqual(given, expected) && expires * 1000 > now();
    },
  };
}
