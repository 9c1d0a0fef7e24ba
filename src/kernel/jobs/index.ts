/** The door of durable jobs. */
export type { JobContext, JobEngine, Workflow } from './types.ts';
