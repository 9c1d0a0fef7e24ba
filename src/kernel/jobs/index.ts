/** The door of durable jobs. */
export { createExecutorRegistry, deadExecutorSql, listServersWithoutKey } from './executor-registry.ts';
export type { ExecutorRegistry } from './executor-registry.ts';
export { createJobEngine, endedStates } from './job-engine.ts';
export type { JobContext, JobEngine, Workflow } from './types.ts';
