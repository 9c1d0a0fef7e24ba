/** GET /agents: the organisation's agents, newest first. */
import { defineRoute } from '#kernel/http';
import { isId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { readLimit } from '../limits.ts';
import { readCursor, toPage } from '../paging.ts';
import { agentColumns, toAgentSummary, type AgentRow } from '../tables.ts';

export const listAgents = defineRoute(agentsContract, 'GET /agents', {
  id: 'agents.agent.list',
  access: { permission: 'agents.agent.read' },
  limit: readLimit,
  async handler(ctx) {
    const { limit, cursor } = ctx.query;
    const after = readCursor(cursor, (key) => key.length === 1 && isId(key[0]));
    const { tenantId, userId } = ctx.principal;
    const rows = await ctx.tenant((tx) =>
      tx.last<AgentRow>({
        name: after ? 'agents-list-after' : 'agents-list',
        text: `select ${agentColumns} from app_agents.agents a
          where a.tenant_id = $1 and a.deleted_at is null ${after ? 'and a.id < $4' : ''}
          order by a.id desc limit $3`,
        values: [tenantId, userId, limit + 1, ...(after ?? [])],
      }),
    );
    return toPage(rows, limit, toAgentSummary, (row) => [row.id]);
  },
});
