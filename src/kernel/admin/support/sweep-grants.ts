/** What ended by the clock is written down as ended; it stopped counting at that moment anyway, on every process. */
import type { Services } from '#kernel/app';
import { leaveVisits } from './grant-store.ts';

interface EndedRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly was_granted: boolean;
}

/** sweepSupportGrants ends questions and accesses whose time is over, each with its record; returns how many. */
export async function sweepSupportGrants({ audit, db, identity }: Services): Promise<number> {
  const now = new Date(identity.now());
  const due = await db.withAuth((tx) =>
    tx.query<{ id: string }>({
      text: `select id from auth.support_grants where state in ('asked', 'granted') and expires_at <= $1 limit 500`,
      values: [now],
    }),
  );
  for (const { id } of due) {
    // One transaction each: a record holds the chain of its organisation.
    await db.withAuth(async (tx) => {
      const [row] = await tx.query<EndedRow>({
        text: `update auth.support_grants set state = 'ended' where id = $1 and state in ('asked', 'granted') and expires_at <= $2
               returning id, tenant_id, answered_at is not null as was_granted`,
        values: [id, now],
      });
      if (!row) return;
      await leaveVisits(tx, identity, id);
      await audit.record(tx, {
        action: 'support.access.end',
        resource: `support:${id}`,
        details: { wasGranted: row.was_granted },
        actor: { kind: 'system', reason: 'its time was over' },
        tenantId: row.tenant_id,
      });
    });
  }
  return due.length;
}
