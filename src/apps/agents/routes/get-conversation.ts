/** GET /conversations/{conversationId}: one of the caller's conversations and the run that is answering in it. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findConversation } from '../find-rows.ts';
import { readLimit } from '../limits.ts';
import { toConversation } from '../tables.ts';

export const getConversation = defineRoute(agentsContract, 'GET /conversations/{conversationId}', {
  id: 'agents.conversation.get',
  access: { permission: 'agents.conversation.read' },
  limit: readLimit,
  errors: ['CONVERSATION_NOT_FOUND'],
  async handler(ctx) {
    return toConversation(await ctx.tenant((tx) => findConversation(tx, ctx.principal, ctx.params.conversationId)));
  },
});
