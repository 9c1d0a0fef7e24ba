/** GET /agents/{agentId}: one agent whole. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findAgent } from '../find-rows.ts';
import { readLimit } from '../limits.ts';
import { toAgent } from '../tables.ts';

export const getAgent = defineRoute(agentsContract, 'GET /agents/{agentId}', {
  id: 'agents.agent.get',
  access: { permission: 'agents.agent.read' },
  limit: readLimit,
  errors: ['AGENT_NOT_FOUND'],
  async handler(ctx) {
    return toAgent(await ctx.tenant((tx) => findAgent(tx, ctx.principal, ctx.params.agentId)));
  },
});
