/** POST /conversations/{conversationId}/regenerate: a new answer to the last message; the old one is kept but not shown. */
import { defineRoute } from '#kernel/http';
import { newId } from '#kernel/ids';
import { acceptRun, insertAnswer, lockConversation, startTurn, toTurn } from '../chat/accept-turn.ts';
import { agentsContract } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { chatLimit, chatPlanLimit } from '../limits.ts';
import { messageColumns, type MessageRow } from '../tables.ts';

export const regenerateAnswer = defineRoute(agentsContract, 'POST /conversations/{conversationId}/regenerate', {
  id: 'agents.message.regenerate',
  access: { permission: 'agents.conversation.write' },
  limit: chatLimit,
  planLimit: chatPlanLimit,
  idempotent: true,
  errors: ['CONVERSATION_NOT_FOUND', 'NOTHING_TO_REGENERATE', 'RUN_ALREADY_ACTIVE'],
  async handler(ctx) {
    const { principal } = ctx;
    const { tenantId, userId } = principal;
    const { conversationId } = ctx.params;
    const turn = await ctx.tenant(async (tx) => {
      const conversation = await lockConversation(tx, principal, conversationId);
      const [question] = await tx.query<MessageRow>({
        text: `select ${messageColumns} from app_agents.messages m
          where m.tenant_id = $1 and m.owner_id = $2 and m.conversation_id = $3 and m.role = 'user'
          order by m.position desc limit 1`,
        values: [tenantId, userId, conversationId],
      });
      if (!question) throw agentsErrors.NOTHING_TO_REGENERATE();
      const answerId = newId();
      const runId = await acceptRun(tx, ctx, {
        conversationId,
        messageId: question.id,
        answerId,
        hasKnowledge: conversation.has_knowledge,
      });
      await tx.query({
        text: `update app_agents.messages set superseded_at = now()
          where tenant_id = $1 and owner_id = $2 and conversation_id = $3 and reply_to_id = $4 and superseded_at is null`,
        values: [tenantId, userId, conversationId, question.id],
      });
      const answer = await insertAnswer(tx, principal, conversation, { answerId, runId, questionId: question.id });
      return toTurn(question, answer);
    });
    return startTurn(ctx, turn);
  },
});
