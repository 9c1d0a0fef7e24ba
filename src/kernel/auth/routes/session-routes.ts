/** Routes about one's own sessions: who am I, list, end one, end the others, sign out. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import { defineRoute } from '#kernel/http';
import type { SignedInContext } from '#kernel/http';
import { isId } from '#kernel/ids';
import { authContract } from '../contract.ts';
import { internalsOf } from '../create-identity.ts';
import { describeDevice } from '../describe-device.ts';
import { clearedSessionCookie } from '../session-cookie.ts';
import { endOtherSessions, endSession } from '../session-store.ts';
import { readPerson } from '../signed-in-person.ts';
import { endFamily } from '../tokens/token-store.ts';

const settingsLimit = { name: 'auth.settings', max: 20, windowSeconds: 3600, by: 'user' } as const;

/** currentSessionId is null when a request is not made with a session cookie. */
export function currentSessionId({ principal }: Pick<SignedInContext, 'principal'>): string | null {
  return principal.via.kind === 'session' ? principal.via.sessionId : null;
}

export const readSession = defineRoute(authContract, 'GET /session', {
  id: 'auth.session.read',
  access: 'signed-in',
  openToKeys: true,
  limit: { name: 'auth.session-read', max: 300, windowSeconds: 60, by: 'user' },
  handler: ({ services, principal }) =>
    services.db.withAuth((tx) => readPerson(tx, principal, internalsOf(services.identity).listApps())),
});

export const signOut = defineRoute(authContract, 'POST /auth/sign-out', {
  id: 'auth.sign-out',
  access: 'signed-in',
  // Who looks into an organisation may sign out from there, which ends the visit along with the session.
  endsVisit: true,
  limit: { name: 'auth.sign-out', max: 60, windowSeconds: 60, by: 'user' },
  handler: async (ctx) => {
    const id = currentId(ctx);
    if (id) await endAndAudit(ctx, id, 'auth.sign-out');
    ctx.setCookies([clearedSessionCookie]);
  },
});

/** currentId is the session, or the device of the access token, that a request is made with. */
export function currentId({ principal: { via } }: Pick<SignedInContext, 'principal'>): string | null {
  if (via.kind === 'session' || via.kind === 'support') return via.sessionId;
  return via.kind === 'token' ? via.familyId : null;
}

interface SessionListRow {
  id: string;
  device_name: string | null;
  user_agent: string | null;
  ip_address: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

export const listSessions = defineRoute(authContract, 'GET /sessions', {
  id: 'auth.session.list',
  access: 'signed-in',
  limit: { name: 'auth.session-list', max: 120, windowSeconds: 60, by: 'user' },
  handler: async (ctx) => {
    const { cursor, limit } = ctx.query;
    const [before] = cursor === undefined ? [null] : (decodeCursor(cursor) ?? []);
    if (before !== null && !isId(before)) {
      throw kernelErrors.INVALID_REQUEST({
        errors: [{ pointer: '/query/cursor', detail: 'is not a cursor of this list' }],
      });
    }
    const now = new Date(internalsOf(ctx.services.identity).now());
    const rows = await ctx.services.db.withAuth((tx) =>
      tx.query<SessionListRow>({
        name: 'auth-list-sessions',
        text: `select id, null as device_name, user_agent, ip_address, created_at, last_used_at, expires_at
               from auth.sessions
               where user_id = $1 and ($2::uuid is null or id < $2) and expires_at > $3
                 and last_used_at > $3::timestamptz - make_interval(hours => $4)
               union all
               select f.id, f.device_name, null, f.ip_address, f.created_at, f.last_used_at, f.expires_at
               from auth.token_families f
               where f.user_id = $1 and ($2::uuid is null or f.id < $2) and f.expires_at > $3
                 and exists (select from auth.token_pairs p where p.family_id = f.id and p.refresh_expires_at > $3)
               order by id desc limit $5`,
        values: [ctx.principal.userId, before, now, ctx.services.config.sessionIdleHours, limit + 1],
      }),
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const current = currentId(ctx);
    return {
      items: shown.map((row) => ({
        id: row.id,
        kind: row.device_name === null ? ('browser' as const) : ('device' as const),
        device: row.device_name ?? describeDevice(row.user_agent),
        address: row.ip_address,
        createdAt: row.created_at.toISOString(),
        lastUsedAt: row.last_used_at.toISOString(),
        expiresAt: row.expires_at.toISOString(),
        isCurrent: row.id === current,
      })),
      nextCursor: rows.length > limit && last ? encodeCursor([last.id]) : null,
    };
  },
});

export const revokeSession = defineRoute(authContract, 'DELETE /sessions/{sessionId}', {
  id: 'auth.session.revoke',
  access: 'signed-in',
  limit: settingsLimit,
  handler: async (ctx) => {
    const { sessionId } = ctx.params;
    if (!(await endAndAudit(ctx, sessionId, 'auth.session.revoke'))) throw kernelErrors.NOT_FOUND();
    if (sessionId === currentSessionId(ctx)) ctx.setCookies([clearedSessionCookie]);
  },
});

export const revokeOtherSessions = defineRoute(authContract, 'POST /sessions/revoke-others', {
  id: 'auth.session.revoke-others',
  access: 'signed-in',
  limit: settingsLimit,
  handler: async (ctx) => {
    const { services, principal } = ctx;
    const revoked = await services.db.withAuth(async (tx) => {
      const count = await endOtherSessions(tx, principal.userId, currentId(ctx));
      await ctx.audit(tx, {
        action: 'auth.session.revoke-others',
        resource: `user:${principal.userId}`,
        details: { revoked: count },
      });
      return count;
    });
    internalsOf(services.identity).cache.drop(`user:${principal.userId}`);
    return { revoked };
  },
});

/** endAndAudit ends a session or device of the caller; this process forgets it before the answer. False when there is none. */
export async function endAndAudit(ctx: SignedInContext, id: string, action: string): Promise<boolean> {
  const { services, principal } = ctx;
  const kind = await services.db.withAuth(async (tx) => {
    const isSession = await endSession(tx, principal.userId, id);
    if (!isSession && !(await endFamily(tx, principal.userId, id))) return null;
    await ctx.audit(tx, { action, resource: `${isSession ? 'session' : 'device'}:${id}` });
    return isSession ? 'session' : 'family';
  });
  if (kind) services.identity.forget(`${kind}:${id}`);
  return kind !== null;
}
