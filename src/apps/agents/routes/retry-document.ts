/** POST /documents/{documentId}/retry: reads a failed document again. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { findDocument } from '../find-rows.ts';
import { uploadLimit } from '../limits.ts';
import { documentColumns, toDocument, type DocumentRow } from '../tables.ts';
import { startIngest } from '../workflows/ingest-document.ts';

export const retryDocument = defineRoute(agentsContract, 'POST /documents/{documentId}/retry', {
  id: 'agents.document.retry',
  access: { permission: 'agents.document.write' },
  limit: uploadLimit,
  idempotent: true,
  errors: ['DOCUMENT_NOT_FOUND', 'DOCUMENT_NOT_FAILED'],
  async handler(ctx) {
    const { tenantId } = ctx.principal;
    const { documentId } = ctx.params;
    const row = await ctx.tenant(async (tx) => {
      await findDocument(tx, ctx.principal, documentId);
      const [queued] = await tx.query<DocumentRow>({
        text: `update app_agents.documents d
          set state = 'queued', generation = d.generation + 1, progress_percent = 0, error_code = null, updated_at = now()
          where d.tenant_id = $1 and d.id = $2 and d.state = 'failed' returning ${documentColumns}`,
        values: [tenantId, documentId],
      });
      if (!queued) throw agentsErrors.DOCUMENT_NOT_FAILED();
      await ctx.audit(tx, { action: 'agents.document.retry', resource: `document:${documentId}` });
      return queued;
    });
    await startIngest(ctx.services, { tenantId, documentId, generation: row.generation });
    return toDocument(row);
  },
});
