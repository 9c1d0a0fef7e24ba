/** A document comes in one way, by upload or out of an archive: judged by its bytes, stored, then listed; what fails leaves nothing. */
import type { Readable } from 'node:stream';
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { StoredObject } from '#kernel/storage';
import { agentsErrors } from '../errors.ts';
import { takeRow, type Caller } from '../find-rows.ts';
import { documentColumns, type DocumentRow } from '../tables.ts';
import { startIngest } from '../workflows/ingest-document.ts';
import { peekStream } from './peek-stream.ts';
import { sniffBytes, sniffContent } from './sniff-content.ts';

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

/** IncomingDocument is a file on its way to be a document of an agent. */
export interface IncomingDocument {
  readonly agentId: string;
  /** As its bringer calls it; never used as a path. */
  readonly filename: string;
  readonly stream: Readable;
  /** A new one unless told. */
  readonly id?: string;
  /** The file's name without its ending unless told. */
  readonly title?: string;
}

/** insertDocument writes the document of a stored file. Throws AGENT_NOT_FOUND when the agent was deleted meanwhile. */
async function insertDocument(
  tx: Tx,
  caller: Caller,
  { agentId, id = newId(), title }: IncomingDocument,
  object: StoredObject,
): Promise<DocumentRow> {
  const counted = await tx.query({
    text: `update app_agents.agents set document_count = document_count + 1
      where tenant_id = $1 and id = $2 and deleted_at is null returning id`,
    values: [caller.tenantId, agentId],
  });
  if (counted.length === 0) throw agentsErrors.AGENT_NOT_FOUND();
  const { id: objectId, filename, contentType, sizeBytes } = object;
  const shownTitle = title ?? (filename.replace(/\.[a-z0-9]{1,10}$/i, '') || filename);
  const rows = await tx.query<DocumentRow>({
    text: `insert into app_agents.documents as d
        (id, tenant_id, agent_id, object_id, title, filename, content_type, size_bytes, created_by)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${documentColumns}`,
    values: [id, caller.tenantId, agentId, objectId, shownTitle, filename, contentType, sizeBytes, caller.userId],
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

/**
 * storeDocument stores the file and lists the document, then has it read. `alongside` works in the same transaction, last.
 * Throws what the content is refused for, AGENT_NOT_FOUND, PAYLOAD_TOO_LARGE; nothing is left then.
 */
export async function storeDocument(
  services: Services,
  caller: Caller,
  incoming: IncomingDocument,
  alongside: (tx: Tx, row: DocumentRow) => Promise<void> = async () => undefined,
): Promise<DocumentRow> {
  const { tenantId, userId } = caller;
  const filename = cleanFilename(incoming.filename);
  const { head, body } = await peekStream(incoming.stream, sniffBytes);
  const contentType = await sniffContent(head, filename);
  const maxBytes = services.config.uploadMaxMb * 1_048_576;
  const object = await services.storage.put({ tenantId, userId }, { filename, contentType, body, maxBytes });
  let row: DocumentRow;
  try {
    row = await services.db.withTenant({ tenantId, userId }, async (tx) => {
      const inserted = await insertDocument(tx, caller, incoming, object);
      await alongside(tx, inserted);
      return inserted;
    });
  } catch (error) {
    await discard(services, caller, object.id);
    throw error;
  }
  await startIngest(services, { tenantId, documentId: row.id, generation: row.generation });
  return row;
}
