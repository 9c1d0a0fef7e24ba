/** The sweep starts what a crash left between its commit and its start, and what died without a trace; starting twice runs once. */
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { startIngest } from './ingest-document.ts';
import { startPurge } from './purge-agent.ts';

interface Waiting {
  readonly documents: readonly { tenant_id: string; id: string; generation: number }[];
  readonly agents: readonly { tenant_id: string; id: string; attempt: number }[];
}

const graceSeconds = 30;
/** A reading gives a sign of life with every batch; one silent this long has died with its job. */
const deadSeconds = 3_600;
const perSweep = 100;

/** requeueDead gives dead readings a new generation; should an old one live after all, it finds itself outdated. */
async function requeueDead(tx: Tx): Promise<void> {
  await tx.query({
    text: `update app_agents.documents set state = 'queued', generation = generation + 1, updated_at = now()
      where state in ('queued', 'processing') and updated_at < now() - make_interval(secs => $1)`,
    values: [deadSeconds],
  });
}

async function findWaiting(tx: Tx): Promise<Waiting> {
  return {
    documents: await tx.query({
      text: `select tenant_id, id, generation from app_agents.documents
        where state = 'queued' and updated_at < now() - make_interval(secs => $1) order by updated_at limit $2`,
      values: [graceSeconds, perSweep],
    }),
    agents: await tx.query({
      // A purge that failed is tried again each hour, under a new name.
      text: `select tenant_id, id, floor(extract(epoch from now() - deleted_at) / 3600)::int as attempt
        from app_agents.agents
        where deleted_at < now() - make_interval(secs => $1) order by deleted_at limit $2`,
      values: [graceSeconds, perSweep],
    }),
  };
}

/** sweepAgents is called about once a minute. It looks across organisations, at ids only. */
export async function sweepAgents(services: Services): Promise<void> {
  const waiting = await services.db.withSystem('start waiting documents and purges', async (tx) => {
    await requeueDead(tx);
    return findWaiting(tx);
  });
  for (const { tenant_id: tenantId, id: documentId, generation } of waiting.documents) {
    await startIngest(services, { tenantId, documentId, generation });
  }
  for (const { tenant_id: tenantId, id: agentId, attempt } of waiting.agents) {
    await startPurge(services, { tenantId, agentId }, attempt);
  }
}
