/** What an organisation does not want to keep any longer is deleted, a batch at a time, by whichever process comes first. */
import type { Services } from '#kernel/app';
import type { RetentionKind } from '../types.ts';

const dayMilliseconds = 86_400_000;
/** Batches per organisation and kind in one sweep; the rest waits for the next. */
const batchesPerSweep = 20;

interface Rule {
  readonly tenantId: string;
  readonly days: number;
}

/** listRules gives every organisation that keeps this kind for a limited time. */
async function listRules({ db }: Services, { kind, defaultDays }: RetentionKind): Promise<Rule[]> {
  const rows = await db.withSystem('read retention rules', (tx) =>
    tx.query<{ tenant_id: string; days: number }>({
      text: `select o.id as tenant_id, coalesce(r.keep_days, $2::int) as days from auth.organizations o
             left join kernel.retention_rules r on r.tenant_id = o.id and r.kind = $1
             where coalesce(r.keep_days, $2::int) is not null order by o.id`,
      values: [kind, defaultDays],
    }),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, days: row.days }));
}

/** applyRetention deletes what is older than its rule; returns how many rows. */
export async function applyRetention(
  services: Services,
  kinds: readonly RetentionKind[],
  now = Date.now(),
): Promise<number> {
  let deleted = 0;
  for (const kind of kinds) {
    for (const { tenantId, days } of await listRules(services, kind)) {
      const before = new Date(now - days * dayMilliseconds);
      for (let batch = 0; batch < batchesPerSweep; batch += 1) {
        const count = await kind.prune(services, tenantId, before);
        deleted += count;
        if (count === 0) break;
      }
    }
  }
  return deleted;
}
