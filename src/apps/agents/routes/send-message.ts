/** POST /conversations/{conversationId}/messages: the message is accepted durably, then answered apart from this request. */
import { defineRoute } from '#kernel/http';
import { newId } from '#kernel/ids';
import { acceptRun, findSentBefore, insertTurn, lockConversation, startTurn } from '../chat/accept-turn.ts';
import { agentsContract } from '../contract.ts';
import { chatLimit, chatPlanLimit } from '../limits.ts';

export const sendMessage = defineRoute(agentsContract, 'POST /conversations/{conversationId}/messages', {
  id: 'agents.message.create',
  access: { permission: 'agents.conversation.write' },
  limit: chatLimit,
  planLimit: chatPlanLimit,
  idempotent: true,
  recognisesBy: 'clientMessageId',
  errors: ['CONVERSATION_NOT_FOUND', 'RUN_ALREADY_ACTIVE'],
  async handler(ctx) {
    const { principal } = ctx;
    const { conversationId } = ctx.params;
    const { text, clientMessageId } = ctx.body;
    const turn = await ctx.tenant(async (tx) => {
      const conversation = await lockConversation(tx, principal, conversationId);
      const before =
        clientMessageId === undefined ? null : await findSentBefore(tx, principal, conversationId, clientMessageId);
      if (before) return before;
      const [messageId, answerId] = [newId(), newId()];
      const runId = await acceptRun(tx, ctx, {
        conversationId,
        messageId,
        answerId,
        hasKnowledge: conversation.has_knowledge,
      });
      const ids = { questionId: messageId, answerId, runId };
      const accepted = await insertTurn(tx, principal, conversation, { ...ids, text, clientMessageId });
      return accepted;
    });
    return startTurn(ctx, turn);
  },
});
