/** The durable job that reads a document: one step, because reading again gives the same document. */
import type { Services } from '#kernel/app';
import type { JobContext, Workflow } from '#kernel/jobs';
import { readDocument, type DocumentVersion } from '../knowledge/read-document.ts';
import { startJob } from '../start-job.ts';

async function execute(job: JobContext, version: DocumentVersion): Promise<void> {
  await job.step('read-document', () => readDocument(job.services, version));
}

export const ingestDocument: Workflow<DocumentVersion> = {
  name: 'agents.ingest-document.v1',
  title: 'Read a document',
  execute,
};

/** startIngest starts the reading of a document that was committed as queued. Never throws. */
export async function startIngest(services: Services, version: DocumentVersion): Promise<void> {
  await startJob(
    services,
    ingestDocument,
    `agents.ingest-document:${version.documentId}:${version.generation}`,
    version,
  );
}
