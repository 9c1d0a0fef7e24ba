/** A job that cannot be started now is not lost: its row says that it waits, and the sweep starts it later. */
import type { Services } from '#kernel/app';
import type { Rights } from './create-rights.ts';
import type { ExportInput } from './export/run-export.ts';
import type { ImportInput } from './import/run-import.ts';

async function start(services: Services, workflowId: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    services.log.warn({ err: error, workflowId }, 'a job could not be started; the sweep will try again');
  }
}

/** startExport starts a copy that was committed as queued. Never throws. */
export function startExport(services: Services, rights: Rights, input: ExportInput): Promise<void> {
  const id = `privacy.export:${input.exportId}`;
  return start(services, id, () => services.jobs.start(rights.exportWorkflow, id, input));
}

/** startImport starts an import that was committed as queued. Never throws. */
export function startImport(services: Services, rights: Rights, input: ImportInput): Promise<void> {
  const id = `privacy.import:${input.importId}`;
  return start(services, id, () => services.jobs.start(rights.importWorkflow, id, input));
}
