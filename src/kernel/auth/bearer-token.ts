/**
 * The one form of our bearer tokens: `<prefix>_<id>_<secret><checksum>`. The id finds the row, the secret has 256 random
 * bits and is stored as its SHA-256, the checksum tells a mistyped token before the database is asked.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** TokenPrefix says what a token is: API key, access token, refresh token, code for a device, token of a directory. */
export type TokenPrefix = 'bhk' | 'bat' | 'brt' | 'bac' | 'bsc';

const secretBytes = 32;
const pattern = /^(bhk|bat|brt|bac|bsc)_([0-9a-f]{32})_([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})$/;

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** hashSecret is the form in which the secret part is stored. */
export function hashSecret(secret: string): Buffer {
  return sha256(secret);
}

/** newSecret makes the secret part of a token. */
export function newSecret(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** formatToken makes the token that is shown once; `secret` has 43 characters of base64url. */
export function formatToken(prefix: TokenPrefix, id: string, secret: string): string {
  const body = `${prefix}_${id.replaceAll('-', '')}_${secret}`;
  return body + sha256(body).toString('base64url').slice(0, 6);
}

/** parseToken takes a token apart; null when it is none of ours, of another kind, or mistyped. */
export function parseToken(
  prefix: TokenPrefix,
  token: string,
): { readonly id: string; readonly secret: string } | null {
  const [, found, hex = '', secret = ''] = pattern.exec(token) ?? [];
  if (found !== prefix) return null;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return formatToken(prefix, id, secret) === token ? { id, secret } : null;
}

/** isSecret compares in constant time; hashing first makes both sides the same length whatever was sent. */
export function isSecret(secret: string, hash: Uint8Array): boolean {
  const given = hashSecret(secret);
  return given.length === hash.length && timingSafeEqual(given, hash);
}
