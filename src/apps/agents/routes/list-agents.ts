/** GET /agents: the organisation's agents, newest first, all or those found by a part of their name or description. */
import { defineRoute } from '#kernel/http';
import { isId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { readLimit } from '../limits.ts';
import { readCursor, toPage } from '../paging.ts';
import { searchPattern } from '../search-pattern.ts';
import { agentColumns, toAgentSummary, type AgentRow } from '../tables.ts';

export const listAgents = defineRoute(agentsContract, 'GET /agents', {
  id: 'agents.agent.list',
  access: { permission: 'agents.agent.read' },
  limit: readLimit,
  async handler(ctx) {
    const { limit, cursor, search } = ctx.query;
    const after = readCursor(cursor, (key) => key.length === 1 && isId(key[0]));
    const { tenantId, userId } = ctx.principal;
    const values: unknown[] = [tenantId, userId, limit + 1];
    const conditions: string[] = [];
    const place = (value: unknown): string => `$${values.push(value)}`;
    if (after) conditions.push(`and a.id < ${place(after[0])}`);
    if (search !== undefined) {
      const pattern = place(searchPattern(search));
      conditions.push(`and (a.name ilike ${pattern} or a.description ilike ${pattern})`);
    }
    const rows = await ctx.tenant((tx) =>
      tx.last<AgentRow>({
        name: ['agents-list', ...(after ? ['after'] : []), ...(search === undefined ? [] : ['found'])].join('-'),
        text: `select ${agentColumns} from app_agents.agents a
          where a.tenant_id = $1 and a.deleted_at is null ${conditions.join(' ')}
          order by a.id desc limit $3`,
        values,
      }),
    );
    return toPage(rows, limit, toAgentSummary, (row) => [row.id]);
  },
});
