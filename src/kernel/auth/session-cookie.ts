/** The session cookie: found in a header, its signature checked before anything else is done with it (K2.8). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `__Host-` makes browsers insist on Secure, Path=/ and no Domain, so that no other host can set or read it. */
export const sessionCookieName = '__Host-bulkhead_session';

/** The longest cookie value that is looked at; ours has about 80 characters. */
const maxCookieLength = 300;

/** hostCookie is the Set-Cookie of a value that only this host sees, and no script; 0 seconds make a browser forget it. */
export function hostCookie(name: `__Host-${string}`, value: string, seconds: number): string {
  return `${name}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; Secure; SameSite=Lax`;
}

/** clearedSessionCookie is the Set-Cookie that makes a browser forget its session. */
export const clearedSessionCookie = hostCookie(sessionCookieName, '', 0);

/** findCookie returns the raw value of a cookie in a Cookie header, or null. The first one counts. */
export function findCookie(header: string | undefined, cookieName: string): string | null {
  if (!header) return null;
  const name = `${cookieName}=`;
  for (const part of header.split(';')) {
    const pair = part.trim();
    if (!pair.startsWith(name)) continue;
    const value = pair.slice(name.length);
    return value !== '' && value.length <= maxCookieLength ? value : null;
  }
  return null;
}

/** findSessionCookie returns the raw value of the session cookie in a Cookie header, or null. */
export function findSessionCookie(header: string | undefined): string | null {
  return findCookie(header, sessionCookieName);
}

/** hashToken is the form in which tokens are stored: SHA-256, base64url. Their 190 bits or more need no slow hash. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

function signToken(token: string, secret: string): string {
  return createHmac('sha256', secret).update(token).digest('base64');
}

/** sealSessionCookie is the cookie value that openSessionCookie opens. */
export function sealSessionCookie(token: string, secret: string): string {
  return encodeURIComponent(`${token}.${signToken(token, secret)}`);
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
  const expected = Buffer.from(signToken(token, secret));
  const given = Buffer.from(text.slice(dot + 1));
  return given.length === expected.length && timingSafeEqual(given, expected) ? token : null;
}
