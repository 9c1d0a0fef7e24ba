/** POST /conversations: an empty conversation with an agent. */
import { defineRoute } from '#kernel/http';
import { newId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { findAgent, findConversation } from '../find-rows.ts';
import { conversationLimit } from '../limits.ts';
import { toConversation } from '../tables.ts';

export const createConversation = defineRoute(agentsContract, 'POST /conversations', {
  id: 'agents.conversation.create',
  access: { permission: 'agents.conversation.write' },
  limit: conversationLimit,
  idempotent: true,
  errors: ['AGENT_NOT_FOUND'],
  async handler(ctx) {
    const { tenantId, userId } = ctx.principal;
    const { agentId } = ctx.body;
    return ctx.tenant(async (tx) => {
      await findAgent(tx, ctx.principal, agentId);
      const id = newId();
      await tx.query({
        text: 'insert into app_agents.conversations (id, tenant_id, owner_id, agent_id) values ($1, $2, $3, $4)',
        values: [id, tenantId, userId, agentId],
      });
      await ctx.audit(tx, {
        action: 'agents.conversation.create',
        resource: `conversation:${id}`,
        details: { agentId },
      });
      return toConversation(await findConversation(tx, ctx.principal, id));
    });
  },
});
