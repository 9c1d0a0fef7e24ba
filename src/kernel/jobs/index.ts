/** The door of durable jobs. */
export { createExecutorRegistry, deadExecutorSql } from './executor-registry.ts';
export type { ExecutorRegistry } from './executor-registry.ts';
export { createJobEngine } from './job-engine.ts';
export type { JobContext, JobEngine, Workflow } from './types.ts';
