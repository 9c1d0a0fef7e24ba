/** POST /agents/{agentId}/documents: the file is stored and judged by its bytes; what is refused leaves nothing behind. */
import type { UploadedFile } from '#kernel/http';
import { defineRoute } from '#kernel/http';
import { newId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { findAgent, takeRow } from '../find-rows.ts';
import { peekStream } from '../knowledge/peek-stream.ts';
import { sniffBytes, sniffContent } from '../knowledge/sniff-content.ts';
import { agentsErrors } from '../errors.ts';
import { uploadLimit } from '../limits.ts';
import { documentColumns, toDocument, type DocumentRow } from '../tables.ts';
import { startIngest } from '../workflows/ingest-document.ts';

/** cleanFilename keeps what a person recognises: no folders, no control characters, at most 200 characters. */
export function cleanFilename(filename: string): string {
  const base = filename.split(/[/\\]/).at(-1) ?? '';
  const clean = base
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .trim();
  return clean.length > 200 ? `${clean.slice(0, 150)}…${clean.slice(-40)}` : clean || 'document';
}

async function judge(file: UploadedFile, filename: string) {
  const { head, body } = await peekStream(file.stream, sniffBytes);
  try {
    return { body, contentType: await sniffContent(head, filename) };
  } catch (error) {
    body.destroy();
    throw error;
  }
}

export const uploadDocument = defineRoute(agentsContract, 'POST /agents/{agentId}/documents', {
  id: 'agents.document.create',
  access: { permission: 'agents.document.write' },
  limit: uploadLimit,
  errors: ['AGENT_NOT_FOUND', 'DOCUMENT_EMPTY', 'DOCUMENT_TYPE_UNSUPPORTED', 'DOCUMENT_NOT_TEXT'],
  async handler(ctx) {
    const { services, principal, params } = ctx;
    const { tenantId, userId } = principal;
    // Before a byte of the file is kept.
    await ctx.tenant((tx) => findAgent(tx, principal, params.agentId));
    const filename = cleanFilename(ctx.file.filename);
    const { body, contentType } = await judge(ctx.file, filename);
    const maxBytes = services.config.uploadMaxMb * 1_048_576;
    const object = await services.storage.put({ tenantId, userId }, { filename, contentType, body, maxBytes });
    try {
      const row = await ctx.tenant(async (tx) => {
        const counted = await tx.query({
          text: `update app_agents.agents set document_count = document_count + 1
            where tenant_id = $1 and id = $2 and deleted_at is null returning id`,
          values: [tenantId, params.agentId],
        });
        if (counted.length === 0) throw agentsErrors.AGENT_NOT_FOUND();
        const inserted = takeRow(
          await tx.query<DocumentRow>({
            text: `insert into app_agents.documents as d (id, tenant_id, agent_id, object_id, title, filename, content_type, size_bytes, created_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${documentColumns}`,
            values: [
              newId(),
              tenantId,
              params.agentId,
              object.id,
              filename.replace(/\.[a-z0-9]{1,10}$/i, '') || filename,
              filename,
              contentType,
              object.sizeBytes,
              userId,
            ],
          }),
        );
        await ctx.audit(tx, {
          action: 'agents.document.create',
          resource: `document:${inserted.id}`,
          details: { agentId: params.agentId, sizeBytes: object.sizeBytes, contentType },
        });
        return inserted;
      });
      await startIngest(services, { tenantId, documentId: row.id, generation: row.generation });
      return toDocument(row);
    } catch (error) {
      await ctx.tenant((tx) => services.storage.remove(tx, object.id));
      throw error;
    }
  },
});
