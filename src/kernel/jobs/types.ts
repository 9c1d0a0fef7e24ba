/** The shapes of durable background work: a workflow is a function whose finished steps are never repeated. */
import type { Services } from '#kernel/app';

export interface JobContext {
  readonly workflowId: string;
  readonly services: Services;
  /** Runs a step at least once and records its JSON result; recorded steps are never repeated. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Sleeps durably; survives restarts. */
  sleep(milliseconds: number): Promise<void>;
}

/** Workflow is a named durable function. Never edit a released one's steps: add a new name (`agents.ingest.v2`). */
export interface Workflow<Input = never> {
  readonly name: string;
  /** What the page of jobs calls it: `Read a document`. */
  readonly title: string;
  readonly execute: (job: JobContext, input: Input) => Promise<unknown>;
}

export interface JobEngine {
  /** Names of the workflows there are, with their titles. */
  readonly titles: ReadonlyMap<string, string>;
  /** Starts a workflow now on this process; the same id twice runs once. */
  start<Input>(workflow: Workflow<Input>, workflowId: string, input: Input): Promise<void>;
  /** Deletes finished workflows that name `text` in their id or input, such as the id of somebody who was erased; returns how many. */
  forget(text: string): Promise<number>;
  /** Deletes workflows that ended before `before`, in batches; returns how many. For the sweeper; safe on every process at once. */
  prune(before: Date): Promise<number>;
  /** Lets a workflow that failed or was cancelled go on: finished steps stay, the one that failed is tried again. */
  retry(workflowId: string): Promise<void>;
  /** Stops a workflow before its next step. */
  cancel(workflowId: string): Promise<void>;
  readonly executorId: string;
  /** True once the engine has been launched; part of /readyz. */
  readonly isReady: boolean;
  /** Loads the engine and recovers what this or another executor left behind; tries until it works. Called once, after listening. */
  launch(): Promise<void>;
  /** Lets running workflows finish up to the deadline, then returns; the rest is recovered by others or at the next start. */
  drain(deadlineMilliseconds: number): Promise<void>;
}
