/** GET /passages/{passageId}: what a citation opens, with the ways to the passages before and after it. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { readLimit } from '../limits.ts';
import { passageColumns, toPassage, type PassageRow } from '../tables.ts';

interface DetailRow extends PassageRow {
  agent_id: string;
  title: string;
  previous_id: string | null;
  next_id: string | null;
}

export const getPassage = defineRoute(agentsContract, 'GET /passages/{passageId}', {
  id: 'agents.passage.get',
  access: { permission: 'agents.document.read' },
  limit: readLimit,
  errors: ['PASSAGE_NOT_FOUND'],
  async handler(ctx) {
    const [row] = await ctx.tenant((tx) =>
      tx.last<DetailRow>({
        name: 'agents-get-passage',
        text: `select ${passageColumns}, p.agent_id, d.title, before.id as previous_id, after.id as next_id
          from app_agents.passages p
          join app_agents.documents d on d.tenant_id = p.tenant_id and d.id = p.document_id
          join app_agents.agents a on a.tenant_id = p.tenant_id and a.id = p.agent_id and a.deleted_at is null
          left join app_agents.passages before
            on before.tenant_id = p.tenant_id and before.document_id = p.document_id and before.position = p.position - 1
          left join app_agents.passages after
            on after.tenant_id = p.tenant_id and after.document_id = p.document_id and after.position = p.position + 1
          where p.tenant_id = $1 and p.id = $2`,
        values: [ctx.principal.tenantId, ctx.params.passageId],
      }),
    );
    if (!row) throw agentsErrors.PASSAGE_NOT_FOUND();
    return {
      ...toPassage(row),
      documentTitle: row.title,
      agentId: row.agent_id,
      previousPassageId: row.previous_id,
      nextPassageId: row.next_id,
    };
  },
});
