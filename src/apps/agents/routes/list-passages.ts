/** GET /documents/{documentId}/passages: how a document was cut, in its order. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findDocument } from '../find-rows.ts';
import { readLimit } from '../limits.ts';
import { readCursor, toPage } from '../paging.ts';
import { passageColumns, toPassage, type PassageRow } from '../tables.ts';

export const listPassages = defineRoute(agentsContract, 'GET /documents/{documentId}/passages', {
  id: 'agents.passage.list',
  access: { permission: 'agents.document.read' },
  limit: readLimit,
  errors: ['DOCUMENT_NOT_FOUND'],
  async handler(ctx) {
    const { limit, cursor } = ctx.query;
    const [after = -1] = readCursor(cursor, (key) => key.length === 1 && Number.isSafeInteger(key[0])) ?? [];
    const rows = await ctx.tenant(async (tx) => {
      await findDocument(tx, ctx.principal, ctx.params.documentId);
      return tx.last<PassageRow>({
        name: 'agents-list-passages',
        text: `select ${passageColumns} from app_agents.passages p
          where p.tenant_id = $1 and p.document_id = $2 and p.position > $3
          order by p.position limit $4`,
        values: [ctx.principal.tenantId, ctx.params.documentId, Math.min(Number(after), 2_147_483_647), limit + 1],
      });
    });
    return toPage(rows, limit, toPassage, (row) => [row.position]);
  },
});
