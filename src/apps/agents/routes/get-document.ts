/** GET /documents/{documentId}: one document and how far its reading is. */
import { defineRoute } from '#kernel/http';
import { agentsContract } from '../contract.ts';
import { findDocument } from '../find-rows.ts';
import { readLimit } from '../limits.ts';
import { toDocument } from '../tables.ts';

export const getDocument = defineRoute(agentsContract, 'GET /documents/{documentId}', {
  id: 'agents.document.get',
  access: { permission: 'agents.document.read' },
  limit: readLimit,
  errors: ['DOCUMENT_NOT_FOUND'],
  async handler(ctx) {
    return toDocument(await ctx.tenant((tx) => findDocument(tx, ctx.principal, ctx.params.documentId)));
  },
});
