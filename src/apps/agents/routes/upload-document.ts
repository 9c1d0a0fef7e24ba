/** POST /agents/{agentId}/documents: the file is stored and judged by its bytes; what is refused leaves nothing behind. */
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { defineRoute } from '#kernel/http';
import { newId } from '#kernel/ids';
import type { StoredObject } from '#kernel/storage';
import { agentsContract } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { findAgent, takeRow, type Caller } from '../find-rows.ts';
import { peekStream } from '../knowledge/peek-stream.ts';
import { sniffBytes, sniffContent } from '../knowledge/sniff-content.ts';
import { uploadLimit } from '../limits.ts';
import { documentColumns, toDocument, type DocumentRow } from '../tables.ts';
import { startIngest } from '../workflows/ingest-document.ts';

/** cleanFilename keeps what a person recognises: no folders, no control characters, at most 200 characters. */
export function cleanFilename(filename: string): string {
  const base = filename.split(/[/\\]/).at(-1) ?? '';
  const clean = base
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .trim();
  const characters = Array.from(clean);
  if (characters.length <= 200) return clean || 'document';
  return `${characters.slice(0, 150).join('')}…${characters.slice(-40).join('')}`;
}

/** insertDocument writes the document of a stored file. Throws AGENT_NOT_FOUND when the agent was deleted meanwhile. */
async function insertDocument(tx: Tx, caller: Caller, agentId: string, object: StoredObject): Promise<DocumentRow> {
  const counted = await tx.query({
    text: `update app_agents.agents set document_count = document_count + 1
      where tenant_id = $1 and id = $2 and deleted_at is null returning id`,
    values: [caller.tenantId, agentId],
  });
  if (counted.length === 0) throw agentsErrors.AGENT_NOT_FOUND();
  const { id: objectId, filename, contentType, sizeBytes } = object;
  const title = filename.replace(/\.[a-z0-9]{1,10}$/i, '') || filename;
  const rows = await tx.query<DocumentRow>({
    text: `insert into app_agents.documents as d
        (id, tenant_id, agent_id, object_id, title, filename, content_type, size_bytes, created_by)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${documentColumns}`,
    values: [newId(), caller.tenantId, agentId, objectId, title, filename, contentType, sizeBytes, caller.userId],
  });
  return takeRow(rows);
}

/** discard removes a stored file that no document came to own, also when the answer to our commit was lost. */
async function discard(services: Services, caller: Caller, objectId: string): Promise<void> {
  const { tenantId, userId } = caller;
  try {
    await services.db.withTenant({ tenantId, userId }, async (tx) => {
      const owners = await tx.query({
        text: 'select id from app_agents.documents where tenant_id = $1 and object_id = $2',
        values: [tenantId, objectId],
      });
      if (owners.length === 0) await services.storage.remove(tx, objectId);
    });
  } catch (error) {
    // The first error is the one to tell; a file nobody owns costs space and nothing else.
    services.log.warn({ err: error, objectId }, 'the file of a refused upload could not be removed');
  }
}

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
    const filename = cleanFilename(ctx.file.filename);
    const { head, body } = await peekStream(ctx.file.stream, sniffBytes);
    const contentType = await sniffContent(head, filename);
    const { tenantId, userId } = principal;
    const maxBytes = services.config.uploadMaxMb * 1_048_576;
    const object = await services.storage.put({ tenantId, userId }, { filename, contentType, body, maxBytes });
    try {
      const row = await ctx.tenant(async (tx) => {
        const inserted = await insertDocument(tx, principal, agentId, object);
        const details = { agentId, sizeBytes: object.sizeBytes, contentType };
        await ctx.audit(tx, { action: 'agents.document.create', resource: `document:${inserted.id}`, details });
        return inserted;
      });
      await startIngest(services, { tenantId, documentId: row.id, generation: row.generation });
      return toDocument(row);
    } catch (error) {
      await discard(services, principal, object.id);
      throw error;
    }
  },
});
