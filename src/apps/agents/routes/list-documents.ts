/** GET /agents/{agentId}/documents: an agent's knowledge, newest first. */
import { defineRoute } from '#kernel/http';
import { isId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { findAgent } from '../find-rows.ts';
import { readLimit } from '../limits.ts';
import { readCursor, toPage } from '../paging.ts';
import { documentColumns, toDocument, type DocumentRow } from '../tables.ts';

export const listDocuments = defineRoute(agentsContract, 'GET /agents/{agentId}/documents', {
  id: 'agents.document.list',
  access: { permission: 'agents.document.read' },
  limit: readLimit,
  errors: ['AGENT_NOT_FOUND'],
  async handler(ctx) {
    const { limit, cursor } = ctx.query;
    const after = readCursor(cursor, (key) => key.length === 1 && isId(key[0]));
    const rows = await ctx.tenant(async (tx) => {
      await findAgent(tx, ctx.principal, ctx.params.agentId);
      return tx.last<DocumentRow>({
        name: after ? 'agents-list-documents-after' : 'agents-list-documents',
        text: `select ${documentColumns} from app_agents.documents d
          where d.tenant_id = $1 and d.agent_id = $2 ${after ? 'and d.id < $4' : ''}
          order by d.id desc limit $3`,
        values: [ctx.principal.tenantId, ctx.params.agentId, limit + 1, ...(after ?? [])],
      });
    });
    return toPage(rows, limit, toDocument, (row) => [row.id]);
  },
});
