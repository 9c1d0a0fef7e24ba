/** The door of runs. */
export { isAfter, parseEventId } from './event-id.ts';
export type { EventId } from './event-id.ts';
export { runRoutes } from './routes.ts';
export { createRunService } from './run-service.ts';
export type {
  AbandonedRun,
  NewRun,
  RunContext,
  RunEvent,
  RunPermissions,
  RunService,
  RunState,
  RunSummary,
  RunWorkflow,
  StepContext,
} from './types.ts';
