/** The sweep starts what a crash left between its commit and its start; starting twice runs once. */
import type { Services } from '#kernel/app';
import { startIngest } from './ingest-document.ts';
import { startPurge } from './purge-agent.ts';

interface Waiting {
  documents: { tenant_id: string; id: string; generation: number }[];
  agents: { tenant_id: string; id: string }[];
}

const graceSeconds = 30;
const perSweep = 100;

/** sweepAgents is called about once a minute. It looks across organisations, at ids only. */
export async function sweepAgents(services: Services): Promise<void> {
  const waiting = await services.db.withSystem('start waiting documents and purges', async (tx): Promise<Waiting> => ({
    documents: await tx.query({
      text: `select tenant_id, id, generation from app_agents.documents
        where state = 'queued' and updated_at < now() - make_interval(secs => $1) order by updated_at limit $2`,
      values: [graceSeconds, perSweep],
    }),
    agents: await tx.query({
      text: `select tenant_id, id from app_agents.agents
        where deleted_at < now() - make_interval(secs => $1) order by deleted_at limit $2`,
      values: [graceSeconds, perSweep],
    }),
  }));
  for (const { tenant_id: tenantId, id: documentId, generation } of waiting.documents) {
    await startIngest(services, { tenantId, documentId, generation });
  }
  for (const { tenant_id: tenantId, id: agentId } of waiting.agents) await startPurge(services, { tenantId, agentId });
}
