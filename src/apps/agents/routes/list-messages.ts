/** GET /conversations/{conversationId}/messages: the newest page first, each page in order of time. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findConversation } from '../find-rows.ts';
import { readLimit } from '../limits.ts';
import { readCursor, toPage } from '../paging.ts';
import { messageColumns, toMessage, type MessageRow } from '../tables.ts';

export const listMessages = defineRoute(agentsContract, 'GET /conversations/{conversationId}/messages', {
  id: 'agents.message.list',
  access: { permission: 'agents.conversation.read' },
  limit: readLimit,
  errors: ['CONVERSATION_NOT_FOUND'],
  async handler(ctx) {
    const { limit, cursor } = ctx.query;
    const { tenantId, userId } = ctx.principal;
    const { conversationId } = ctx.params;
    const [before = 2_147_483_647] =
      readCursor(cursor, (key) => key.length === 1 && Number.isSafeInteger(key[0])) ?? [];
    const rows = await ctx.tenant(async (tx) => {
      await findConversation(tx, ctx.principal, conversationId);
      return tx.last<MessageRow>({
        name: 'agents-list-messages',
        text: `select ${messageColumns} from app_agents.messages m
          where m.tenant_id = $1 and m.owner_id = $2 and m.conversation_id = $3 and m.position < $4
            and m.superseded_at is null
          order by m.position desc limit $5`,
        values: [tenantId, userId, conversationId, Math.min(Number(before), 2_147_483_647), limit + 1],
      });
    });
    const { items, nextCursor } = toPage(rows, limit, toMessage, (row) => [row.position]);
    return { items: items.toReversed(), nextCursor };
  },
});
