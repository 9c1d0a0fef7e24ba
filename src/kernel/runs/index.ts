/** The door of runs. */
export { runsContract } from './contract.ts';
export { runErrors } from './errors.ts';
export { formatEventId, isAfter, parseEventId } from './event-id.ts';
export type { EventId } from './event-id.ts';
export { isDatabaseAway } from './is-database-away.ts';
export { runRoutes } from './routes.ts';
export { createRunService } from './run-service.ts';
export type {
  AbandonedRun, NewRun, RunContext, RunEvent, RunService, RunState, RunSummary, RunWorkflow, StepContext,
} from './types.ts';
