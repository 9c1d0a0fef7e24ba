/** The session cookie: found in a header, its signature checked before anything else is done with it (K2.8). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `__Host-` makes browsers insist on Secure, Path=/ and no Domain, so that no other host can set or read it. */
export const sessionCookieName = '__Host-bulkhead_session';

/** The longest cookie value that is looked at; ours has about 80 characters. */
const maxCookieLength = 300;

/** clearedSessionCookie is the Set-Cookie that makes a browser forget its session. */
export const clearedSessionCookie = `${sessionCookieName}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`;

/** findSessionCookie returns the raw value of the session cookie in a Cookie header, or null. The first one counts. */
export function findSessionCookie(header: string | undefined): string | null {
  if (!header) return null;
  const name = `${sessionCookieName}=`;
  for (const part of header.split(';')) {
    const pair = part.trim();
    if (!pair.startsWith(name)) continue;
    const value = pair.slice(name.length);
    return value !== '' && value.length <= maxCookieLength ? value : null;
  }
  return null;
}

/** hashToken is the form in which tokens are stored: SHA-256, base64url. Their 190 bits or more need no slow hash. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** openSessionCookie returns the token in `<token>.<HMAC-SHA256 in base64>` (URL-encoded), or null. */
export function openSessionCookie(value: string, secret: string): string | null {
  let text: string;
  try {
    text = decodeURIComponent(value);
  } catch {
    return null; // not URL-encoded, so not ours
  }
  const dot = text.lastIndexOf('.');
  if (dot < 1) return null;
  const token = text.slice(0, dot);
  // Compared as text: a lenient base64 decoder would let many spellings of one signature pass.
  const expected = Buffer.from(createHmac('sha256', secret).update(token).digest('base64'));
  const given = Buffer.from(text.slice(dot + 1));
  return given.length === expected.length && timingSafeEqual(given, expected) ? token : null;
}
