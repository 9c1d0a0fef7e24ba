/** The header is read as draft-ietf-httpapi-idempotency-key-header-07 has it, and a missing pair of quotes is forgiven. */
import { createHash } from 'node:crypto';
import { idempotencyErrors } from './errors.ts';

const longestKey = 255;
/** A structured-field string (RFC 9651): printable ASCII in quotes, where quote and backslash are escaped. */
const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const bare = /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/;

/**
 * parseIdempotencyKey returns the key of an Idempotency-Key header, or null without one. Throws
 * IDEMPOTENCY_KEY_INVALID unless it is 1 to 255 characters in quotes, or bare without spaces, commas and quotes.
 */
export function parseIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  const text = header.trim();
  const inner = quoted.exec(text)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
  const key = inner ?? (bare.test(text) ? text : '');
  if (key === '' || key.length > longestKey) {
    throw idempotencyErrors.IDEMPOTENCY_KEY_INVALID({
      errors: [
        { pointer: '/headers/idempotency-key', detail: 'expected 1 to 255 printable ASCII characters in quotes' },
      ],
    });
  }
  return key;
}

/** sortKeys makes the order of an object's members irrelevant; JSON.stringify calls it on every value. */
function sortKeys(_name: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** hashRequest digests what a request asks for (path parameters, query and body); the order of members does not count. */
export function hashRequest(request: {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}): string {
  return createHash('sha256').update(JSON.stringify(request, sortKeys)).digest('base64url');
}
