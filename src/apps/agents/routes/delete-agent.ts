/** DELETE /agents/{agentId}: the agent is gone at once; its files, passages and conversations follow in the background. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { writeLimit } from '../limits.ts';
import { startPurge } from '../workflows/purge-agent.ts';

export const deleteAgent = defineRoute(agentsContract, 'DELETE /agents/{agentId}', {
  id: 'agents.agent.delete',
  access: { permission: 'agents.agent.write' },
  limit: writeLimit,
  errors: ['AGENT_NOT_FOUND'],
  async handler(ctx) {
    const { agentId } = ctx.params;
    const { tenantId } = ctx.principal;
    await ctx.tenant(async (tx) => {
      const deleted = await tx.query({
        text: `update app_agents.agents set deleted_at = now(), updated_at = now()
          where tenant_id = $1 and id = $2 and deleted_at is null returning id`,
        values: [tenantId, agentId],
      });
      if (deleted.length === 0) throw agentsErrors.AGENT_NOT_FOUND();
      await ctx.audit(tx, { action: 'agents.agent.delete', resource: `agent:${agentId}` });
    });
    await startPurge(ctx.services, { tenantId, agentId });
  },
});
