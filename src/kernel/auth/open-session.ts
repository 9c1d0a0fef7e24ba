/** Makes the session of a person who has shown who they are; nothing but the cookie holds its token. */
import { randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import type { RequestContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { internalsOf } from './create-identity.ts';
import type { Principal } from './principal.ts';
import { hashToken, hostCookie, sealSessionCookie, sessionCookieName } from './session-cookie.ts';
import { endSession, findSession, principalOf } from './session-store.ts';

const daySeconds = 86_400;

/**
 * endReplacedSession ends the session whose cookie is about to be overwritten, as it would linger unseen; returns its id, for
 * this process to forget after the commit.
 */
export async function endReplacedSession(
  { principal }: Pick<RequestContext, 'principal'>,
  tx: Tx,
): Promise<string | null> {
  if (principal?.via.kind !== 'session') return null;
  const { sessionId } = principal.via;
  await endSession(tx, principal.userId, sessionId);
  return sessionId;
}

/** SessionStart is who begins to work where. */
export interface SessionStart {
  readonly userId: string;
  readonly tenantId: string;
}

/**
 * openSession inserts the session, proved now, in the caller's transaction of withAuth; `cookie` is a Set-Cookie value.
 * Throws UNAUTHENTICATED when the person does not belong to the organisation.
 */
export async function openSession(
  ctx: Pick<RequestContext, 'services' | 'address' | 'userAgent'>,
  tx: Tx,
  { userId, tenantId }: SessionStart,
): Promise<{ principal: Principal; cookie: string }> {
  const { config, identity } = ctx.services;
  const { now, secret } = internalsOf(identity);
  const token = randomBytes(24).toString('base64url'); // 192 bits
  const seconds = config.sessionAbsoluteDays * daySeconds;
  const time = now();
  await tx.query({
    name: 'auth-open-session',
    text: `insert into auth.sessions
             (id, user_id, tenant_id, token_hash, ip_address, user_agent, last_used_at, proved_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
    values: [
      newId(),
      userId,
      tenantId,
      hashToken(token),
      ctx.address,
      ctx.userAgent,
      new Date(time),
      new Date(time + seconds * 1000),
    ],
  });
  const [row] = await findSession(tx, hashToken(token));
  if (!row) throw kernelErrors.UNAUTHENTICATED();
  return {
    principal: principalOf(row),
    cookie: hostCookie(sessionCookieName, sealSessionCookie(token, secret), seconds),
  };
}
