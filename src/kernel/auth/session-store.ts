/** Reads and ends sessions; whoever ends one tells every process in the same transaction. */
import type { Database, Tx } from '#kernel/db';
import type { Principal, Role } from './principal.ts';
import type { SessionSubject } from './types.ts';

/** sessionChannel carries `session:<id>`, `key:<id>`, `family:<id>` and `user:<id>`: forget what you remember of these. */
export const sessionChannel = 'bulkhead_sessions';

export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly role: Role;
  readonly is_operator: boolean;
  readonly proved_at: Date;
  readonly expires_at: Date;
  readonly last_used_at: Date;
  readonly support_grant_id: string | null;
  readonly support_tenant_id: string | null;
  readonly support_until: Date | null;
}

/**
 * findSession finds a session and the role it works in; a membership that ended, or an account that was switched off, ends
 * the session's use. An organisation's consent to be looked into comes along while it stands.
 */
export function findSession(tx: Tx, tokenHash: string): Promise<SessionRow[]> {
  return tx.query<SessionRow>({
    name: 'auth-find-session',
    text: `select s.id, s.user_id, s.tenant_id, m.role, u.is_operator, s.proved_at, s.expires_at, s.last_used_at,
             g.id as support_grant_id, g.tenant_id as support_tenant_id, g.expires_at as support_until
           from auth.sessions s join auth.members m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
           join auth.users u on u.id = s.user_id and u.disabled_at is null
           left join auth.support_grants g on g.id = s.support_grant_id and g.asked_by = s.user_id
             and g.state = 'granted' and u.is_operator
           where s.token_hash = $1`,
    values: [tokenHash],
  });
}

/** readSession is findSession in a transaction of its own; null when there is none. */
export async function readSession(db: Database, tokenHash: string): Promise<SessionRow | null> {
  const [row] = await db.withAuth((tx) => findSession(tx, tokenHash));
  return row ?? null;
}

/** visitOf is who looks into an organisation by its consent; null without one, and from the moment it ends. */
export function visitOf(session: SessionRow, now: number): Principal | null {
  const { id, support_grant_id: grantId, support_tenant_id: tenantId, support_until: until, user_id: userId } = session;
  if (grantId === null || tenantId === null || until === null || until.getTime() <= now) return null;
  const via = Object.freeze({ kind: 'support' as const, grantId, sessionId: id });
  return Object.freeze({ userId, tenantId, role: 'viewer' as const, via });
}

/** principalOf is who acts in a session. */
export function principalOf(session: SessionRow): Principal {
  const provedAt = session.proved_at.getTime();
  return Object.freeze({
    userId: session.user_id,
    tenantId: session.tenant_id,
    role: session.role,
    isOperator: session.is_operator,
    via: Object.freeze({ kind: 'session' as const, sessionId: session.id, provedAt }),
  });
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
export async function announce(tx: Tx, subject: SessionSubject): Promise<void> {
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

/**
 * endOtherSessions ends all sessions and devices of a user but one, and the sign-ins that have begun; returns how many
 * sessions and devices there were. API keys stay.
 */
export async function endOtherSessions(tx: Tx, userId: string, keptId: string | null): Promise<number> {
  const values = [userId, keptId];
  const rows = await tx.query({
    text: 'delete from auth.sessions where user_id = $1 and id is distinct from $2 returning id',
    values,
  });
  const devices = await tx.query({
    text: 'delete from auth.token_families where user_id = $1 and id is distinct from $2 returning id',
    values,
  });
  // What was begun with the old password, or consented to in an ended session, must not become a session after it.
  for (const table of ['sign_in_challenges', 'device_codes'])
    await tx.query({ text: `delete from auth.${table} where user_id = $1`, values: [userId] });
  await announce(tx, `user:${userId}`);
  return rows.length + devices.length;
}

/** Statements that delete what nobody can use any more; $1 is the time, $2 how many hours a session may be idle. */
const sweeps = [
  `delete from auth.sessions
   where expires_at <= $1 or last_used_at <= $1::timestamptz - make_interval(hours => $2) returning id`,
  `delete from auth.token_families f where (f.expires_at <= $1 or not exists (
     select from auth.token_pairs p where p.family_id = f.id and p.refresh_expires_at > $1)) and $2::int is not null returning id`,
  `delete from auth.device_codes where expires_at <= $1 and $2::int is not null returning id`,
  // A used token is remembered for a day beyond its time, so that a late thief is noticed.
  `delete from auth.token_pairs where refresh_expires_at <= $1::timestamptz - interval '1 day' and $2::int is not null returning id`,
  // Whoever still uses a dead key is told why for three months.
  `delete from auth.api_keys
   where coalesce(revoked_at, expires_at) <= $1::timestamptz - interval '90 days' and $2::int is not null returning id`,
] as const;

/** sweepSessions deletes what nobody can use: past its lifetime, or idle too long; returns how many rows. */
export function sweepSessions(db: Database, now: Date, idleHours: number): Promise<number> {
  return db.withAuth(async (tx) => {
    let count = 0;
    for (const text of sweeps) count += (await tx.query({ text, values: [now, idleHours] })).length;
    return count;
  });
}

/** proveSession notes that the person has just shown again who they are; false when the session has ended. */
export async function proveSession(tx: Tx, userId: string, sessionId: string, now: Date): Promise<boolean> {
  const rows = await tx.query({
    text: 'update auth.sessions set proved_at = $3 where id = $1 and user_id = $2 returning id',
    values: [sessionId, userId, now],
  });
  if (rows.length > 0) await announce(tx, `session:${sessionId}`);
  return rows.length > 0;
}
