/** POST /agents/{agentId}/documents: the file is stored and judged by its bytes; what is refused leaves nothing behind. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findAgent } from '../find-rows.ts';
import { storeDocument } from '../knowledge/store-document.ts';
import { uploadLimit } from '../limits.ts';
import { toDocument } from '../tables.ts';

export const uploadDocument = defineRoute(agentsContract, 'POST /agents/{agentId}/documents', {
  id: 'agents.document.create',
  access: { permission: 'agents.document.write' },
  limit: uploadLimit,
  errors: ['AGENT_NOT_FOUND', 'DOCUMENT_EMPTY', 'DOCUMENT_TYPE_UNSUPPORTED', 'DOCUMENT_NOT_TEXT', 'PAYLOAD_TOO_LARGE'],
  async handler(ctx) {
    const { services, principal } = ctx;
    const { agentId } = ctx.params;
    // Before a byte of the file is kept.
    await ctx.tenant((tx) => findAgent(tx, principal, agentId));
    const { filename, stream } = ctx.file;
    const row = await storeDocument(services, principal, { agentId, filename, stream }, (tx, inserted) => {
      const details = { agentId, sizeBytes: Number(inserted.size_bytes), contentType: inserted.content_type };
      return ctx.audit(tx, { action: 'agents.document.create', resource: `document:${inserted.id}`, details });
    });
    return toDocument(row);
  },
});
