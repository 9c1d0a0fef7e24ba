/** Who must bring a passkey's answer: a question asked in one place cannot be answered from another. */
import { randomBytes } from 'node:crypto';
import { kernelErrors } from '#kernel/errors';
import type { RequestContext, SignedInContext } from '#kernel/http';
import { currentSessionId } from '../routes/session-routes.ts';
import { findCookie, hashToken, hostCookie } from '../session-cookie.ts';
import { challengeSeconds } from './passkey-challenge.ts';

const browserCookieName = '__Host-bulkhead_passkey';

/** holderOf is the caller's session. Throws FORBIDDEN for callers without one: a program has no passkey. */
export function holderOf(ctx: Pick<SignedInContext, 'principal'>): string {
  const sessionId = currentSessionId(ctx);
  if (sessionId === null) throw kernelErrors.FORBIDDEN({ detail: 'Passkeys are used by a person in a browser.' });
  return `session:${sessionId}`;
}

/** holdInBrowser marks a browser nobody is signed in with; all its tabs are one holder. */
export function holdInBrowser(ctx: Pick<RequestContext, 'headers' | 'setCookies'>): string {
  const token = findCookie(ctx.headers['cookie'], browserCookieName) ?? randomBytes(32).toString('base64url');
  ctx.setCookies([hostCookie(browserCookieName, token, challengeSeconds)]);
  return `browser:${hashToken(token)}`;
}

/** findBrowser is the mark that holdInBrowser left; null in another browser. */
export function findBrowser(ctx: Pick<RequestContext, 'headers'>): string | null {
  const token = findCookie(ctx.headers['cookie'], browserCookieName);
  return token === null ? null : `browser:${hashToken(token)}`;
}
