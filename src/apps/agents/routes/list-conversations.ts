/** GET /conversations: the caller's conversations, last used first, found by words of title or messages. */
import { defineRoute } from '#kernel/http';
import { isId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { readLimit } from '../limits.ts';
import { readCursor, toPage } from '../paging.ts';
import { searchPattern } from '../search-pattern.ts';
import { conversationColumns, toConversation, type ConversationRow } from '../tables.ts';

function isKey(key: readonly unknown[]): boolean {
  const [time, conversationId] = key;
  return key.length === 2 && typeof time === 'string' && !Number.isNaN(Date.parse(time)) && isId(conversationId);
}

export const listConversations = defineRoute(agentsContract, 'GET /conversations', {
  id: 'agents.conversation.list',
  access: { permission: 'agents.conversation.read' },
  limit: readLimit,
  async handler(ctx) {
    const { limit, cursor, agentId, search } = ctx.query;
    const after = readCursor(cursor, isKey);
    const values: unknown[] = [ctx.principal.tenantId, ctx.principal.userId, limit + 1];
    const conditions: string[] = [];
    const place = (value: unknown): string => `$${values.push(value)}`;
    if (agentId !== undefined) conditions.push(`and c.agent_id = ${place(agentId)}`);
    if (after)
      conditions.push(`and (c.updated_at, c.id) < (${place(after[0])}::timestamptz, ${place(after[1])}::uuid)`);
    if (search !== undefined) {
      const pattern = place(searchPattern(search));
      conditions.push(`and (c.title ilike ${pattern} or exists (
        select from app_agents.messages m where m.tenant_id = $1 and m.conversation_id = c.id and m.text ilike ${pattern}))`);
    }
    const rows = await ctx.tenant((tx) =>
      tx.last<ConversationRow>({
        text: `select ${conversationColumns} from app_agents.conversations c
          join app_agents.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id and a.deleted_at is null
          where c.tenant_id = $1 and c.owner_id = $2 ${conditions.join(' ')}
          order by c.updated_at desc, c.id desc limit $3`,
        values,
      }),
    );
    return toPage(rows, limit, toConversation, (row) => [row.updated_key, row.id]);
  },
});
