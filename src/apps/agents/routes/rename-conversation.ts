/** PATCH /conversations/{conversationId}: a title of its owner's choice. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findConversation } from '../find-rows.ts';
import { conversationLimit } from '../limits.ts';
import { toConversation } from '../tables.ts';

export const renameConversation = defineRoute(agentsContract, 'PATCH /conversations/{conversationId}', {
  id: 'agents.conversation.update',
  access: { permission: 'agents.conversation.write' },
  limit: conversationLimit,
  errors: ['CONVERSATION_NOT_FOUND'],
  async handler(ctx) {
    const { conversationId } = ctx.params;
    return ctx.tenant(async (tx) => {
      // updated_at stays: renaming does not move a conversation to the top of the list.
      await tx.query({
        text: 'update app_agents.conversations set title = $4 where tenant_id = $1 and owner_id = $2 and id = $3',
        values: [ctx.principal.tenantId, ctx.principal.userId, conversationId, ctx.body.title],
      });
      const row = await findConversation(tx, ctx.principal, conversationId);
      await ctx.audit(tx, { action: 'agents.conversation.update', resource: `conversation:${conversationId}` });
      return toConversation(row);
    });
  },
});
