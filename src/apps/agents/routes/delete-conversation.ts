/** DELETE /conversations/{conversationId}: the conversation and its messages are gone; an answer on its way is stopped. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { conversationLimit } from '../limits.ts';

export const deleteConversation = defineRoute(agentsContract, 'DELETE /conversations/{conversationId}', {
  id: 'agents.conversation.delete',
  access: { permission: 'agents.conversation.write' },
  limit: conversationLimit,
  errors: ['CONVERSATION_NOT_FOUND'],
  async handler(ctx) {
    const { tenantId, userId } = ctx.principal;
    const { conversationId } = ctx.params;
    const runId = await ctx.tenant(async (tx) => {
      const [deleted] = await tx.query<{ active_run_id: string | null }>({
        text: `delete from app_agents.conversations where tenant_id = $1 and owner_id = $2 and id = $3
          returning active_run_id`,
        values: [tenantId, userId, conversationId],
      });
      if (!deleted) throw agentsErrors.CONVERSATION_NOT_FOUND();
      await ctx.audit(tx, { action: 'agents.conversation.delete', resource: `conversation:${conversationId}` });
      return deleted.active_run_id;
    });
    if (runId !== null) await ctx.services.runs.cancel({ tenantId, userId }, runId);
  },
});
