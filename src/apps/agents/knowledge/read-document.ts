/** A document becomes searchable as a whole or not at all, however often its reading is interrupted. */
import type { Readable } from 'node:stream';
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { isAppError } from '#kernel/errors';
import { newId } from '#kernel/ids';
import { agentsErrors } from '../errors.ts';
import type { DocumentRow } from '../tables.ts';
import { parseDocument } from './parse-document.ts';
import type { ParsedPassage } from './parsed-line.ts';

/** DocumentVersion is what is read: a document, and which attempt at it. */
export interface DocumentVersion {
  readonly tenantId: string;
  readonly documentId: string;
  /** A retry is a new generation; the job of an older one finds nothing to do. */
  readonly generation: number;
}

/** DocumentGone ends a reading whose document was deleted or retried meanwhile; not an error. */
class DocumentGone extends Error {}

type Place = Pick<DocumentRow, 'agent_id' | 'object_id' | 'content_type'>;

/** begin claims the document and removes passages of an interrupted reading, so that reading again cannot double them. */
async function begin(tx: Tx, { tenantId, documentId, generation }: DocumentVersion): Promise<Place | null> {
  const [place] = await tx.query<Place>({
    text: `update app_agents.documents
      set state = 'processing', progress_percent = 0, passage_count = 0, page_count = null, error_code = null, updated_at = now()
      where tenant_id = $1 and id = $2 and generation = $3 and state in ('queued', 'processing')
      returning agent_id, object_id, content_type`,
    values: [tenantId, documentId, generation],
  });
  if (!place) return null;
  await tx.query({
    text: 'delete from app_agents.passages where tenant_id = $1 and document_id = $2',
    values: [tenantId, documentId],
  });
  return place;
}

interface Batch {
  readonly agentId: string;
  readonly items: readonly ParsedPassage[];
  readonly firstPosition: number;
  readonly progress: number;
}

/** savePassages writes a batch in one statement, under the lock of the document's row. */
async function savePassages(
  tx: Tx,
  { tenantId, documentId, generation }: DocumentVersion,
  batch: Batch,
): Promise<void> {
  const { agentId, items, firstPosition, progress } = batch;
  const claimed = await tx.query({
    text: `update app_agents.documents set progress_percent = $4, passage_count = $5, updated_at = now()
      where tenant_id = $1 and id = $2 and generation = $3 and state = 'processing' returning id`,
    // 100 is for what is ready.
    values: [tenantId, documentId, generation, Math.min(progress, 99), firstPosition + items.length],
  });
  if (claimed.length === 0) throw new DocumentGone();
  await tx.query({
    name: 'agents-save-passages',
    text: `insert into app_agents.passages (id, tenant_id, agent_id, document_id, position, headings, page, text, search)
      select p.id, $1, $2, $3, p.position, p.headings, p.page, p.text,
        to_tsvector('simple', p.search) || to_tsvector('english', p.search)
      from jsonb_to_recordset($4::jsonb) as p (id uuid, position integer, headings text[], page integer, text text, search text)`,
    values: [
      tenantId,
      agentId,
      documentId,
      JSON.stringify(items.map((item, index) => ({ id: newId(), position: firstPosition + index, ...item }))),
    ],
  });
}

async function read(services: Services, input: DocumentVersion, place: Place): Promise<number> {
  const scope = { tenantId: input.tenantId };
  let count = 0;
  const body: Readable = await services.storage.read(scope, place.object_id);
  const result = await parseDocument(body, {
    contentType: place.content_type,
    onPassages: async (items, progress) => {
      const batch = { agentId: place.agent_id, items, firstPosition: count, progress };
      await services.db.withTenant(scope, (tx) => savePassages(tx, input, batch));
      count += items.length;
    },
  });
  await services.db.withTenant(scope, async (tx) => {
    await tx.query({
      text: `update app_agents.documents
        set state = 'ready', progress_percent = 100, passage_count = $4, page_count = $5, updated_at = now()
        where tenant_id = $1 and id = $2 and generation = $3 and state = 'processing'`,
      values: [input.tenantId, input.documentId, input.generation, count, result.pageCount],
    });
  });
  return count;
}

async function saveFailure(services: Services, input: DocumentVersion, errorCode: string): Promise<void> {
  await services.db.withTenant({ tenantId: input.tenantId }, async (tx) => {
    const { tenantId, documentId, generation } = input;
    const failed = await tx.query({
      text: `update app_agents.documents set state = 'failed', error_code = $4, passage_count = 0, updated_at = now()
        where tenant_id = $1 and id = $2 and generation = $3 and state in ('queued', 'processing') returning id`,
      values: [tenantId, documentId, generation, errorCode],
    });
    if (failed.length === 0) return;
    await tx.query({
      text: 'delete from app_agents.passages where tenant_id = $1 and document_id = $2',
      values: [tenantId, documentId],
    });
  });
}

/**
 * readDocument reads a document to its end: ready or failed. Whatever an interrupted reading left, doing it again gives the
 * same document. Rejects only when the outcome itself cannot be saved.
 */
export async function readDocument(
  services: Services,
  input: DocumentVersion,
): Promise<{ passageCount: number; errorCode: string | null }> {
  try {
    const place = await services.db.withTenant({ tenantId: input.tenantId }, (tx) => begin(tx, input));
    if (!place) return { passageCount: 0, errorCode: null };
    return { passageCount: await read(services, input, place), errorCode: null };
  } catch (error) {
    if (error instanceof DocumentGone) return { passageCount: 0, errorCode: null };
    const isOurs = isAppError(error) && error.code in agentsErrors.$table;
    if (!isOurs) services.log.error({ err: error, documentId: input.documentId }, 'a document could not be read');
    const errorCode = isOurs ? error.code : 'DOCUMENT_UNREADABLE';
    await saveFailure(services, input, errorCode);
    return { passageCount: 0, errorCode };
  }
}
