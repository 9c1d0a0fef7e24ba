/** Removes what time has ended: sign-ins that stopped between their steps, unanswered passkey questions, old trust. */
import type { Database } from '#kernel/db';

/** sweepSecondSteps deletes what nobody can use any more; returns how many rows. */
export async function sweepSecondSteps(db: Database, now: Date): Promise<number> {
  const rows = await db.withAuth((tx) =>
    tx.query({
      text: `with steps as (delete from auth.sign_in_challenges where expires_at <= $1 returning id),
               questions as (delete from auth.passkey_challenges where expires_at <= $1 returning id),
               devices as (delete from auth.trusted_devices where expires_at <= $1 returning id)
             select id from steps union all select id from questions union all select id from devices`,
      values: [now],
    }),
  );
  return rows.length;
}
