/** Reads and ends sessions; whoever ends one tells every process in the same transaction. */
import type { Database, Tx } from '#kernel/db';
import type { Principal, Role } from './principal.ts';

/** sessionChannel carries `session:<id>` and `user:<id>`: forget what you remember of these. */
export const sessionChannel = 'bulkhead_sessions';

export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly role: Role;
  readonly expires_at: Date;
  readonly last_used_at: Date;
}

/** findSession finds a session and the role it works in; a membership that ended ends the session's use. */
export function findSession(tx: Tx, tokenHash: string): Promise<SessionRow[]> {
  return tx.query<SessionRow>({
    name: 'auth-find-session',
    text: `select s.id, s.user_id, s.tenant_id, m.role, s.expires_at, s.last_used_at
           from auth.sessions s join auth.members m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
           where s.token_hash = $1`,
    values: [tokenHash],
  });
}

/** readSession is findSession in a transaction of its own; null when there is none. */
export async function readSession(db: Database, tokenHash: string): Promise<SessionRow | null> {
  const [row] = await db.withAuth((tx) => findSession(tx, tokenHash));
  return row ?? null;
}

/** principalOf is who acts in a session. */
export function principalOf(session: SessionRow): Principal {
  const via = Object.freeze({ kind: 'session' as const, sessionId: session.id });
  return Object.freeze({ userId: session.user_id, tenantId: session.tenant_id, role: session.role, via });
}

/** touchSession records a use; at most once a minute per session, however many processes see it. */
export async function touchSession(db: Database, sessionId: string, now: Date): Promise<void> {
  await db.withAuth((tx) =>
    tx.query({
      name: 'auth-touch-session',
      text: `update auth.sessions set last_used_at = $2
             where id = $1 and last_used_at < $2::timestamptz - interval '1 minute'`,
      values: [sessionId, now],
    }),
  );
}

/** announce tells every process, when the transaction commits, to forget a session or all sessions of a user. */
export async function announce(tx: Tx, subject: `session:${string}` | `user:${string}`): Promise<void> {
  await tx.query({ text: 'select pg_notify($1, $2)', values: [sessionChannel, subject] });
}

/** endSession deletes one session of a user; false when there is no such session of theirs. */
export async function endSession(tx: Tx, userId: string, sessionId: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'delete from auth.sessions where id = $1 and user_id = $2 returning id',
    values: [sessionId, userId],
  });
  if (rows.length > 0) await announce(tx, `session:${sessionId}`);
  return rows.length > 0;
}

/** endOtherSessions deletes all sessions of a user but one; returns how many. */
export async function endOtherSessions(tx: Tx, userId: string, keptSessionId: string | null): Promise<number> {
  const rows = await tx.query({
    text: 'delete from auth.sessions where user_id = $1 and id is distinct from $2 returning id',
    values: [userId, keptSessionId],
  });
  if (rows.length > 0) await announce(tx, `user:${userId}`);
  return rows.length;
}

/** sweepSessions deletes what nobody can use: past the absolute lifetime, or idle too long; returns how many. */
export async function sweepSessions(db: Database, now: Date, idleHours: number): Promise<number> {
  const rows = await db.withAuth((tx) =>
    tx.query({
      text: `delete from auth.sessions
             where expires_at <= $1 or last_used_at <= $1::timestamptz - make_interval(hours => $2) returning id`,
      values: [now, idleHours],
    }),
  );
  return rows.length;
}
