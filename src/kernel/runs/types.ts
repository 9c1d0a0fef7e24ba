/** A run is one durable piece of work a person waits for; its events are numbered, journalled and resumable. */
import type { Services } from '#kernel/app';
import type { Principal } from '#kernel/auth';
import type { TenantScope, Tx } from '#kernel/db';
import type { EventStream } from '#kernel/http';

export type RunState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/**
 * RunEvent is one entry of a run's journal. `id` is `<attempt>-<seq>`, strictly increasing as a pair; it is the
 * SSE `id` and what `Last-Event-ID` carries. On the wire: `id: 1-7`, `event: text-delta`,
 * `data: {"step":1,"text":"Hel"}` (the step number and the fields of `data`, flat). Types:
 * - `attempt-started` {attempt, step}: first of every attempt; drop everything shown that came from step `step` or later;
 * - `step-started` {step, name};
 * - `text-delta` {text} and `reasoning-delta` {text};
 * - whatever the app defines, such as `citations` {citations};
 * - last: `done` {state, errorCode?, ...what the app's final transaction returned}; nothing follows it.
 * Steps count from 0.
 */
export interface RunEvent {
  readonly id: string;
  readonly type: string;
  readonly step: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface NewRun {
  /** Who asks for it, as the request came: the run may do no more, and no longer than they may. */
  readonly caller: Principal;
  /** Name of the workflow, such as `agents.chat-turn.v1`. */
  readonly workflow: string;
  readonly input: unknown;
  /** At most one run per key is active (a conversation); a second is refused with RUN_ALREADY_ACTIVE. */
  readonly exclusiveKey: string;
  /** What the run is about, for listing: `conversation:<id>`. */
  readonly subject: string;
}

/** RunSummary is a run as its owner sees it. */
export interface RunSummary {
  readonly id: string;
  readonly state: RunState;
  readonly workflow: string;
  readonly subject: string;
  readonly attempt: number;
  readonly errorCode: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export interface RunService {
  /** Writes the run in the caller's transaction (K12.1). Call `start` after commit; a crash between is healed by the sweeper. */
  accept(tx: Tx, run: NewRun): Promise<{ readonly id: string }>;
  /** Begins executing an accepted run on this process at once. Never throws: what cannot start now is swept up later. */
  start(runId: string): void;
  /** The run's events after `lastEventId` (all when null), then live until `done`. 404 when the scope may not see it. */
  events(scope: TenantScope, runId: string, lastEventId: string | null): Promise<EventStream>;
  /** Asks a run to stop, on whichever process it executes. True when it was active. */
  cancel(scope: TenantScope, runId: string): Promise<boolean>;
  get(scope: TenantScope, runId: string): Promise<RunSummary | null>;
  /**
   * Throws FORBIDDEN when the caller is an API key whose scopes do not reach this run, 404 when there is none for its
   * person. A key reaches what it started itself, and what its scopes hold the workflow's permission for.
   */
  assertReach(caller: Principal, runId: string, act: keyof RunPermissions): Promise<void>;
  /** The active run with this exclusive key, or null. */
  findActive(tx: Tx, exclusiveKey: string): Promise<RunSummary | null>;
  /** Runs executing here, and runs finished here since the start. */
  stats(): { readonly active: number; readonly finished: number };
  /** Begins to listen and to sweep up what others left behind. */
  open(): Promise<void>;
  /** Takes nothing new, lets runs finish up to the deadline, hands the rest to other executors (K12.5). */
  drain(deadlineMilliseconds: number): Promise<void>;
  close(): void;
}

/** RunContext is what a workflow body of a run is given. */
export interface RunContext<Input> {
  readonly runId: string;
  readonly services: Services;
  readonly scope: TenantScope & { readonly userId: string };
  readonly input: Input;
  /** The caller as it acts here and now. Throws RUN_NOT_ALLOWED when it may not act any more. */
  readonly principal: Principal;
  /**
   * Throws RUN_NOT_ALLOWED unless the caller holds the permission now. The workflow's own is asked for before each step;
   * whatever else a run does on its caller's behalf asks here first.
   */
  assertMay(permission: string): Promise<void>;
  /** Aborts when the run is cancelled, loses its lease or the server gives up on it. */
  readonly signal: AbortSignal;
  /**
   * Runs a durable step. Its JSON result is recorded once it returns and the step is then never repeated; a step that
   * was interrupted runs again in a new attempt. Events emitted inside are journalled before the result is recorded.
   */
  step<T>(name: string, work: (step: StepContext) => Promise<T>): Promise<T>;
  /**
   * Runs the step that only `finish` follows. Its result is saved by `finish` and by nothing before, which spares a
   * transaction per run; a crash before `finish` has committed repeats the step. Not for steps with effects outside.
   */
  lastStep<T>(name: string, work: (step: StepContext) => Promise<T>): Promise<T>;
  /**
   * Ends the run: `work` saves the outcome in the same transaction that makes the run final, and returns the data of
   * the `done` event, which is emitted only after the commit (K12.4).
   */
  finish(
    state: 'succeeded' | 'failed' | 'cancelled',
    work: (tx: Tx) => Promise<Record<string, unknown>>,
    errorCode?: string,
  ): Promise<void>;
}

export interface StepContext {
  readonly signal: AbortSignal;
  /** Emits an event: live subscribers at once, journal within 200 ms. */
  emit(type: string, data: Readonly<Record<string, unknown>>): void;
}

/** RunPermissions are what a caller needs: `act` to have it run and to stop it, `read` to follow it. */
export interface RunPermissions {
  readonly act: string;
  readonly read: string;
}

/** RunWorkflow is registered once per name. Never edit a released one's steps: register a new name. */
export interface RunWorkflow<Input = unknown> {
  readonly name: string;
  readonly permissions: RunPermissions;
  readonly execute: (run: RunContext<Input>) => Promise<void>;
  /**
   * Saves the outcome when the run ends without `finish` (stopped, failed, crash loop), in the transaction that makes
   * it final; returns more data for the `done` event, which always carries state, errorCode and errorDetail.
   */
  readonly abandon: (tx: Tx, run: AbandonedRun<Input>) => Promise<Record<string, unknown>>;
}

export interface AbandonedRun<Input = unknown> {
  readonly runId: string;
  readonly scope: TenantScope & { readonly userId: string };
  readonly input: Input;
  readonly state: 'failed' | 'cancelled';
  readonly errorCode: string;
  /** A sentence for the person. */
  readonly errorDetail: string;
  readonly isRetryable: boolean;
  /** The visible text written before it ended; worth keeping. */
  readonly partialText: string;
}
