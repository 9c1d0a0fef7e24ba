/** DELETE /documents/{documentId}: row, passages and file go together. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findDocument } from '../find-rows.ts';
import { writeLimit } from '../limits.ts';

export const deleteDocument = defineRoute(agentsContract, 'DELETE /documents/{documentId}', {
  id: 'agents.document.delete',
  access: { permission: 'agents.document.write' },
  limit: writeLimit,
  errors: ['DOCUMENT_NOT_FOUND'],
  async handler(ctx) {
    const { tenantId } = ctx.principal;
    const { documentId } = ctx.params;
    await ctx.tenant(async (tx) => {
      const { agent_id: agentId, object_id: objectId } = await findDocument(tx, ctx.principal, documentId);
      const deleted = await tx.query({
        text: 'delete from app_agents.documents where tenant_id = $1 and id = $2 returning id',
        values: [tenantId, documentId],
      });
      // Somebody else deleted it between the two statements; theirs counts.
      if (deleted.length === 0) return;
      await tx.query({
        text: 'update app_agents.agents set document_count = document_count - 1 where tenant_id = $1 and id = $2',
        values: [tenantId, agentId],
      });
      await ctx.services.storage.remove(tx, objectId);
      await ctx.audit(tx, {
        action: 'agents.document.delete',
        resource: `document:${documentId}`,
        details: { agentId },
      });
    });
  },
});
