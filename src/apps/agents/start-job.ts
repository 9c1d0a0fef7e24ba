/** A job that cannot be started now is not lost: its row says that it waits, and the sweep starts it later. */
import type { Services } from '#kernel/app';
import type { Workflow } from '#kernel/jobs';

/** startJob starts a workflow after its row was committed. Never throws; starting the same id twice runs it once. */
export async function startJob<Input>(
  services: Services,
  workflow: Workflow<Input>,
  workflowId: string,
  input: Input,
): Promise<void> {
  try {
    await services.jobs.start(workflow, workflowId, input);
  } catch (error) {
    services.log.warn({ err: error, workflowId }, 'a job could not be started; the sweep will try again');
  }
}
