/** Purging removes everything that hung on a deleted agent, in bounded steps that may be repeated. */
import type { Services } from '#kernel/app';
import type { JobContext, Workflow } from '#kernel/jobs';
import { startJob } from '../start-job.ts';

export interface PurgeInput {
  readonly tenantId: string;
  readonly agentId: string;
}

const documentsPerStep = 50;

/** stopRuns asks every answer that is still being written by the agent to stop, whoever asked for it. */
async function stopRuns(services: Services, { tenantId, agentId }: PurgeInput): Promise<number> {
  const active = await services.db.withSystem('stop the runs of a deleted agent', (tx) =>
    tx.query<{ owner_id: string; active_run_id: string }>({
      text: `select owner_id, active_run_id from app_agents.conversations
        where tenant_id = $1 and agent_id = $2 and active_run_id is not null`,
      values: [tenantId, agentId],
    }),
  );
  for (const { owner_id: userId, active_run_id: runId } of active)
    await services.runs.cancel({ tenantId, userId }, runId);
  return active.length;
}

/** removeDocuments removes some documents with their files; returns how many there were. */
async function removeDocuments(services: Services, { tenantId, agentId }: PurgeInput): Promise<number> {
  return services.db.withTenant({ tenantId }, async (tx) => {
    const removed = await tx.query<{ object_id: string }>({
      text: `delete from app_agents.documents where tenant_id = $1 and id in (
          select id from app_agents.documents where tenant_id = $1 and agent_id = $2 order by id limit $3)
        returning object_id`,
      values: [tenantId, agentId, documentsPerStep],
    });
    for (const { object_id: objectId } of removed) await services.storage.remove(tx, objectId);
    return removed.length;
  });
}

async function execute(job: JobContext, input: PurgeInput): Promise<void> {
  const { services } = job;
  await job.step('stop-runs', () => stopRuns(services, input));
  for (;;) {
    const removed = await job.step('remove-documents', () => removeDocuments(services, input));
    if (removed < documentsPerStep) break;
  }
  // Conversations and messages go with the agent, by their foreign keys.
  await job.step('remove-agent', () =>
    services.db.withTenant({ tenantId: input.tenantId }, async (tx) => {
      await tx.query({
        text: 'delete from app_agents.agents where tenant_id = $1 and id = $2 and deleted_at is not null',
        values: [input.tenantId, input.agentId],
      });
    }),
  );
}

export const purgeAgent: Workflow<PurgeInput> = {
  name: 'agents.purge-agent.v1',
  title: 'Delete what belonged to an agent',
  execute,
};

/** startPurge starts the purge of an agent that was committed as deleted. Never throws; one attempt runs once. */
export async function startPurge(services: Services, input: PurgeInput, attempt = 0): Promise<void> {
  await startJob(services, purgeAgent, `agents.purge-agent:${input.agentId}:${attempt}`, input);
}
