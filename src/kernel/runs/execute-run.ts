/** Executes attempts of a run: recorded steps are skipped, the outcome and the final state are one transaction. */
import type { Services } from '#kernel/app';
import type { Database, Tx } from '#kernel/db';
import type { Role } from '#kernel/auth';
import { isAppError } from '#kernel/errors';
import type { Logger } from '#kernel/log';
import type { CallerRights } from './caller-rights.ts';
import { runErrors } from './errors.ts';
import { isDatabaseAway } from './is-database-away.ts';
import { LeaseLostError, eventPairs, type Journal } from './journal.ts';
import { serialiseEvent, type AbortCause, type LiveRun } from './live-run.ts';
import type { AbandonedRun, RunContext, RunWorkflow, StepContext } from './types.ts';

/** ClaimedRun is a run this executor holds under `attempt`. */
export interface ClaimedRun {
  readonly runId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  /** API key that started it; null when a person did. */
  readonly keyId: string | null;
  /** What the caller was limited to; null: all that their role holds. */
  readonly scopes: readonly string[] | null;
  /** The caller's role when the request that accepted it is still under way; null later, when it is asked for. */
  readonly role: Role | null;
  readonly workflow: string;
  readonly input: unknown;
  readonly attempt: number;
  readonly isCancelRequested: boolean;
}

export type AttemptOutcome = 'final' | 'lost' | 'released' | 'database-away';

export interface ExecutionDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly journal: Journal;
  readonly workflows: ReadonlyMap<string, RunWorkflow>;
  readonly services: () => Services;
}

/** A run that keeps killing its process ends after this many attempts. */
export const maxAttempts = 5;
/** How long a body may take to notice its signal before the run is ended without it. */
const abortGraceMilliseconds = 5_000;
const finalRetryMilliseconds = 250;
const finalRetries = 240;

type FinalState = 'succeeded' | 'failed' | 'cancelled';
type Scope = AbandonedRun['scope'];

const finalSql = `
  with final as (
    update kernel.runs set state = $2, error_code = $3, done_seq = $4, done_data = $5::json, finished_at = now()
    where id = $1 and attempt = $6 and state = 'running'
    returning tenant_id, owner_id, id)
  insert into kernel.run_events (tenant_id, owner_id, run_id, attempt, first_seq, last_seq, events)
  select tenant_id, owner_id, id, $6, $7, $4, $8::json from final
  returning run_id`;

interface RecordedStep {
  readonly name: string;
  readonly result: unknown;
}

async function loadSteps(db: Database, scope: Scope, runId: string): Promise<RecordedStep[]> {
  return await db.withTenant(scope, (tx) =>
    tx.last<RecordedStep>({
      name: 'run-steps',
      text: `select name, result from kernel.run_steps where tenant_id = $1 and run_id = $2 order by ordinal`,
      values: [scope.tenantId, runId],
    }),
  );
}

/** loadPartialText joins the visible text of the last attempt that wrote any, for runs that died elsewhere. */
async function loadPartialText(tx: Tx, tenantId: string, runId: string): Promise<string> {
  const rows = await tx.query<{ text: string | null }>({
    text: `select string_agg(pair -> 1 ->> 'text', '' order by e.first_seq, place) as text
           from kernel.run_events e, json_array_elements(e.events) with ordinality as pairs (pair, place)
           where e.tenant_id = $1 and e.run_id = $2 and pair ->> 0 = 'text-delta'
           group by e.attempt order by e.attempt desc limit 1`,
    values: [tenantId, runId],
  });
  return rows[0]?.text ?? '';
}

/** reasonOf is how a run ends that was stopped from outside; null when it ended by itself. */
function reasonOf(cause: AbortCause | null): Error | null {
  if (cause === 'cancelled') return runErrors.RUN_CANCELLED();
  return cause === 'not-allowed' ? runErrors.RUN_NOT_ALLOWED() : null;
}

/** RunExecution is one claimed run on its way through one attempt. */
export class RunExecution {
  readonly #deps: ExecutionDeps;
  readonly #run: ClaimedRun;
  readonly #live: LiveRun;
  readonly #caller: CallerRights;
  readonly #scope: Scope;
  readonly #log: Logger;
  #recorded: RecordedStep[] = [];
  #ordinal = 0;
  #isSealed = false;
  #isFinal = false;

  constructor(deps: ExecutionDeps, run: ClaimedRun, live: LiveRun, caller: CallerRights) {
    this.#deps = deps;
    this.#run = run;
    this.#live = live;
    this.#caller = caller;
    this.#scope = { tenantId: run.tenantId, userId: run.ownerId };
    this.#log = deps.log.child({ runId: run.runId, attempt: run.attempt, workflow: run.workflow });
  }

  /** Runs the attempt to its outcome; never throws. */
  async execute(): Promise<AttemptOutcome> {
    const workflow = this.#deps.workflows.get(this.#run.workflow);
    try {
      this.#live.beginAttempt(this.#run.attempt);
      if (this.#run.attempt > 1) this.#recorded = await loadSteps(this.#deps.db, this.#scope, this.#run.runId);
      this.#live.emit('attempt-started', this.#recorded.length, { attempt: this.#run.attempt });
      if (this.#run.isCancelRequested) this.#live.stop('cancelled');
      if (!workflow) throw new Error(`no workflow is registered as ${this.#run.workflow}`);
      if (this.#run.attempt > maxAttempts) throw runErrors.RUN_CRASHED();
      // A run that is asked to stop ends as stopped, whoever its caller is by now.
      if (!this.#run.isCancelRequested) await this.#caller.assert();
      await this.#runBody(workflow);
      if (!this.#isFinal) throw new Error('the workflow returned without finishing its run');
      return 'final';
    } catch (error) {
      return await this.#settleFailure(workflow, error);
    }
  }

  async #runBody(workflow: RunWorkflow): Promise<void> {
    const { signal } = this.#live.abort;
    let grace: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      const startGrace = () => {
        grace = setTimeout(() => reject(signal.reason), abortGraceMilliseconds);
      };
      if (signal.aborted) startGrace();
      else signal.addEventListener('abort', startGrace, { once: true });
    });
    try {
      await Promise.race([workflow.execute(this.#context()), overdue]);
    } finally {
      clearTimeout(grace);
      if (!this.#isFinal) this.#isSealed = true;
    }
  }

  #context(): RunContext<unknown> {
    const caller = this.#caller;
    return {
      get principal() {
        return caller.principal;
      },
      assertMay: (permission) => caller.assert(permission),
      runId: this.#run.runId,
      services: this.#deps.services(),
      scope: this.#scope,
      input: this.#run.input,
      signal: this.#live.abort.signal,
      step: (name, work) => this.#step(name, work, true),
      lastStep: (name, work) => this.#step(name, work, false),
      finish: (state, work, errorCode) => this.#finish(state, work, errorCode ? { errorCode } : {}),
    };
  }

  async #step<T>(name: string, work: (step: StepContext) => Promise<T>, isRecorded: boolean): Promise<T> {
    const ordinal = this.#ordinal;
    const { signal } = this.#live.abort;
    signal.throwIfAborted();
    const recorded = this.#recorded[ordinal];
    if (recorded) {
      if (recorded.name !== name) throw new Error(`step ${ordinal} was ${recorded.name} and is now ${name}`);
      this.#ordinal += 1;
      return recorded.result as T;
    }
    await this.#caller.assert();
    this.#emit('step-started', ordinal, { name });
    const result = await work({ signal, emit: (type, data) => this.#emit(type, ordinal, data) });
    signal.throwIfAborted();
    if (isRecorded) {
      await this.#deps.journal.recordStep(this.#live, { ordinal, name, result: JSON.stringify(result ?? null) });
    }
    this.#ordinal += 1;
    return result as T;
  }

  #emit(type: string, step: number, data: Readonly<Record<string, unknown>>): void {
    // A body that outlived its run (grace over, lease lost) must not speak any more.
    if (this.#isSealed || this.#live.attempt !== this.#run.attempt) return;
    this.#live.emit(type, step, data);
  }

  /** Makes the run final together with what `work` saves; tries again while the database is away. */
  async #finish(
    state: FinalState,
    work: (tx: Tx) => Promise<Record<string, unknown>>,
    problem: Record<string, unknown>,
  ): Promise<void> {
    if (this.#isFinal) throw new Error('the run is final already');
    this.#isSealed = true;
    await this.#deps.journal.release(this.#live);
    let doneData: Record<string, unknown> = {};
    for (let tries = 0; ; tries += 1) {
      try {
        doneData = await this.#commitFinal(state, work, problem);
        break;
      } catch (error) {
        const own = error instanceof LeaseLostError ? await this.#findOwnEnd() : null;
        if (own) {
          doneData = own;
          break;
        }
        if (!isDatabaseAway(error) || tries >= finalRetries) throw error;
        await new Promise((resolve) => setTimeout(resolve, finalRetryMilliseconds));
      }
    }
    this.#isFinal = true;
    // Only now: the client hears "done" when the answer is safe (K12.4).
    this.#live.emit('done', this.#ordinal, doneData);
    this.#live.markFlushed(this.#live.lastSeq);
  }

  async #commitFinal(
    state: FinalState,
    work: (tx: Tx) => Promise<Record<string, unknown>>,
    problem: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const { runId, attempt } = this.#run;
    return await this.#deps.db.withTenant(this.#scope, async (tx) => {
      const data = { state, ...problem, ...(await work(tx)) };
      const unflushed = this.#live.unflushed();
      const seq = this.#live.lastSeq + 1;
      const done = serialiseEvent(attempt, seq, 'done', this.#ordinal, data);
      const rest = [...unflushed, done];
      const errorCode = problem['errorCode'] ?? null;
      const values = [runId, state, errorCode, seq, done.data, attempt, rest[0]?.seq, eventPairs(rest)];
      const rows = await tx.query({ name: 'run-final', text: finalSql, values });
      // Whatever `work` wrote is rolled back with this.
      if (rows.length === 0) throw new LeaseLostError(runId);
      return data;
    });
  }

  /** The commit of an earlier try may have arrived although its answer did not: then this attempt has ended the run itself. */
  async #findOwnEnd(): Promise<Record<string, unknown> | null> {
    const [row] = await this.#deps.db.withTenant(this.#scope, (tx) =>
      tx.query<{ done_data: Record<string, unknown> }>({
        text: `select done_data from kernel.runs
               where tenant_id = $1 and id = $2 and attempt = $3 and finished_at is not null`,
        values: [this.#scope.tenantId, this.#run.runId, this.#run.attempt],
      }),
    );
    return row?.done_data ?? null;
  }

  async #settleFailure(workflow: RunWorkflow | undefined, error: unknown): Promise<AttemptOutcome> {
    const cause = this.#live.abortCause;
    if (this.#isFinal) {
      this.#log.error({ err: error }, 'the workflow failed after finishing its run');
      return 'final';
    }
    this.#isSealed = true;
    if (error instanceof LeaseLostError || cause === 'lease-lost') return 'lost';
    if (cause === 'shutdown') return 'released';
    if (isDatabaseAway(error)) return 'database-away';
    try {
      await this.#abandon(workflow, reasonOf(cause) ?? error);
      return 'final';
    } catch (abandonError) {
      if (abandonError instanceof LeaseLostError) return 'lost';
      this.#log.error({ err: abandonError }, 'a failed run could not be ended');
      return isDatabaseAway(abandonError) ? 'database-away' : await this.#abandonBare();
    }
  }

  async #abandon(workflow: RunWorkflow | undefined, error: unknown): Promise<void> {
    const known = isAppError(error) ? error : runErrors.RUN_FAILED({ cause: error });
    const state = known.code === 'RUN_CANCELLED' ? 'cancelled' : 'failed';
    if (!isAppError(error) || known.definition.isReportable) this.#log.error({ err: error }, 'a run failed');
    const problem = {
      errorCode: known.code,
      errorDetail: known.options.detail ?? known.definition.public,
      isRetryable: known.isRetryable,
    };
    const { runId, tenantId, input, attempt } = this.#run;
    await this.#finish(
      state,
      async (tx) => {
        const partialText = this.#live.text || (attempt > 1 ? await loadPartialText(tx, tenantId, runId) : '');
        const abandoned = { runId, scope: this.#scope, input, state, ...problem, partialText } as const;
        return (await workflow?.abandon(tx, abandoned)) ?? {};
      },
      problem,
    );
  }

  /** The app's own handler failed too: the run must still not stay "running" for ever. */
  async #abandonBare(): Promise<AttemptOutcome> {
    try {
      await this.#abandon(undefined, runErrors.RUN_FAILED());
      return 'final';
    } catch (error) {
      this.#log.error({ err: error }, 'a run stays open and will be tried again');
      return 'released';
    }
  }
}
