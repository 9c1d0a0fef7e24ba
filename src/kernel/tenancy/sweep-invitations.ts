/** Invitations that are long over are forgotten; until then people can send them again. */
import type { Database } from '#kernel/db';

/** sweepInvitations deletes what ended 30 days ago, and links that are used up and over; returns how many. */
export async function sweepInvitations(db: Database, now: Date): Promise<number> {
  const rows = await db.withAuth((tx) =>
    tx.query({
      text: `delete from auth.invitations where expires_at <= $1::timestamptz - interval '30 days'
             or (expires_at <= $1 and uses = max_uses) returning id`,
      values: [now],
    }),
  );
  return rows.length;
}
