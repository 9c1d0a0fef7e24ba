/** The door of runs. */
export type { NewRun, RunContext, RunEvent, RunService, RunState, RunSummary, RunWorkflow, StepContext } from './types.ts';
