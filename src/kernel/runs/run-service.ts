/** The run service accepts, executes, follows and stops runs; the row in SQL is the truth, this process only a worker. */
import type { Services } from '#kernel/app';
import type { ExecutorRegistry } from '#kernel/jobs';
import type { Database, TenantScope, Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { runErrors } from './errors.ts';
import { beforeAll, parseEventId } from './event-id.ts';
import { RunExecution, type ClaimedRun } from './execute-run.ts';
import { createJournal } from './journal.ts';
import { createLeases } from './leases.ts';
import { LiveRun } from './live-run.ts';
import { openSubscription } from './subscribe.ts';
import { createTableFollower } from './table-follower.ts';
import type { NewRun, RunService, RunSummary, RunWorkflow } from './types.ts';

const channel = 'bulkhead_runs';
/** Runs at once in one process; more wait in the queue. */
const maxActive = 2_000;
/** An accepted run whose `start` never came (the handler died after its commit) is started by the sweep after this. */
const startGraceMilliseconds = 2_000;
const retryAwayMilliseconds = 250;
/** Below this many runs nothing is held back. */
const fewRuns = 64;
const runsPerGapMillisecond = 16;
const maxGapMilliseconds = 60;
const journalKeepHours = 24;
const pruneEveryBeats = 300;

interface RunServiceOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly registry: ExecutorRegistry;
  readonly role: 'all' | 'web' | 'worker';
  readonly workflows: readonly RunWorkflow[];
  /** The server's services, asked for when a run starts (they do not exist yet when this one is made). */
  readonly services: () => Services;
}

interface SummaryRow {
  readonly id: string;
  readonly state: RunSummary['state'];
  readonly workflow: string;
  readonly subject: string;
  readonly attempt: number;
  readonly error_code: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

const summaryColumns = 'id, state, workflow, subject, attempt, error_code, created_at, finished_at';

function toSummary(row: SummaryRow): RunSummary {
  return {
    id: row.id,
    state: row.state,
    workflow: row.workflow,
    subject: row.subject,
    attempt: row.attempt,
    errorCode: row.error_code,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}

/** createRunService makes the service; `open` begins to sweep and listen, `drain` and `close` end it. */
export function createRunService(options: RunServiceOptions): RunService {
  const { db, log, registry, role } = options;
  const workflows = new Map(options.workflows.map((workflow) => [workflow.name, workflow]));
  const isExecutor = role !== 'web';
  const live = new Map<string, LiveRun>();
  const accepted = new Map<string, { readonly run: ClaimedRun; readonly at: number }>();
  const executing = new Set<Promise<void>>();
  const leases = createLeases(db, registry.id);
  const follower = createTableFollower({ db, log });
  const journal = createJournal({ db, log, onLeaseLost: (run) => run.stop('lease-lost') });
  const unpublished = new Set<LiveRun>();
  let isDraining = false;
  let stopListening: () => void = () => undefined;
  let beats = 0;
  let finishedCount = 0;

  function publishAll(): void {
    const runs = [...unpublished];
    unpublished.clear();
    for (const run of runs) run.publish();
  }

  /**
   * Events of one turn of the event loop go out together: one write per client. With many runs the turns are stretched
   * (12 ms at 200, 60 ms at 1,000), because a write per word and client is what a busy server spends its time on.
   */
  function publishSoon(run: LiveRun): void {
    journal.touch(run);
    if (unpublished.size === 0) {
      if (live.size < fewRuns) setImmediate(publishAll);
      else setTimeout(publishAll, Math.min(maxGapMilliseconds, live.size / runsPerGapMillisecond));
    }
    unpublished.add(run);
  }

  /** While the database is away a run waits; it goes on with a new attempt, from its last recorded step. */
  async function reclaimWhenBack(run: ClaimedRun): Promise<ClaimedRun | null> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, retryAwayMilliseconds));
      if (isDraining) return null;
      try {
        return await leases.reclaim(run);
      } catch (error) {
        log.debug({ err: error, runId: run.runId }, 'the database is still away');
      }
    }
  }

  async function executeToEnd(first: ClaimedRun): Promise<void> {
    let run: ClaimedRun | null = first;
    while (run) {
      const liveRun = new LiveRun(run, publishSoon);
      live.set(run.runId, liveRun);
      const outcome: string = await new RunExecution({ db, log, journal, workflows, services: options.services }, run, liveRun).execute();
      if (live.get(run.runId) === liveRun) live.delete(run.runId);
      // Journal events that are not final yet must reach SQL before a follower turns there.
      if (outcome === 'released') await journal.flush().catch(() => undefined);
      if (outcome === 'final') finishedCount += 1;
      run = outcome === 'database-away' ? await reclaimWhenBack(run) : null;
      liveRun.end();
    }
  }

  function execute(run: ClaimedRun): void {
    if (live.has(run.runId)) return;
    const promise = executeToEnd(run)
      .catch((error: unknown) => log.error({ err: error, runId: run.runId }, 'a run fell out of its executor'))
      .finally(() => executing.delete(promise));
    executing.add(promise);
  }

  async function sweep(): Promise<void> {
    if (!isExecutor || isDraining) return;
    const now = performance.now();
    for (const [id, { at }] of accepted) if (now - at > startGraceMilliseconds) accepted.delete(id);
    const room = maxActive - live.size;
    if (room <= 0) return;
    const held = [...live.keys(), ...accepted.keys()];
    const claims = await leases.claim(held, Math.min(room, 200), registry.mayJudgeOthers());
    for (const claim of claims) execute(claim);
    if (claims.length > 0) log.info({ runs: claims.length }, 'took over runs');
  }

  async function onBeat(): Promise<void> {
    beats += 1;
    if (live.size > 0) for (const id of await leases.findCancelled([...live.keys()])) live.get(id)?.stop('cancelled');
    await sweep();
    if (isExecutor && beats % pruneEveryBeats === 0) await leases.prune(journalKeepHours);
  }

  function onNotify(payload: string): void {
    if (payload === 'flushed') follower.wake();
    else if (payload === 'queued') void sweep().catch((error: unknown) => log.warn({ err: error }, 'sweep failed'));
    else if (payload.startsWith('cancel:')) live.get(payload.slice('cancel:'.length))?.stop('cancelled');
  }

  /** Written as running here at once when this process executes: no claim, no queue, nothing between accept and start. */
  async function accept(tx: Tx, run: NewRun): Promise<{ id: string }> {
    const { scope } = tx;
    if (!scope?.userId) throw new Error('a run is accepted on behalf of a person');
    const id = newId();
    const startsHere = isExecutor && !isDraining && live.size < maxActive;
    const rows = await tx.query({
      name: 'accept-run',
      text: `insert into kernel.runs
               (id, tenant_id, owner_id, workflow, subject, exclusive_key, input, state, attempt, executor_id)
             values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10)
             on conflict (tenant_id, exclusive_key) where state in ('queued', 'running') do nothing
             returning id`,
      values: [
        id, scope.tenantId, scope.userId, run.workflow, run.subject, run.exclusiveKey, JSON.stringify(run.input),
        startsHere ? 'running' : 'queued', startsHere ? 1 : 0, startsHere ? registry.id : null,
      ],
    });
    if (rows.length === 0) throw runErrors.RUN_ALREADY_ACTIVE();
    if (startsHere) {
      const claim = {
        runId: id, tenantId: scope.tenantId, ownerId: scope.userId, workflow: run.workflow, input: run.input,
        attempt: 1, isCancelRequested: false,
      };
      accepted.set(id, { run: claim, at: performance.now() });
    } else {
      await tx.query({ text: `select pg_notify('${channel}', 'queued')` });
    }
    return { id };
  }

  async function cancel(scope: TenantScope, runId: string): Promise<boolean> {
    const isActive = await db.withTenant(scope, async (tx) => {
      const rows = await tx.query<{ is_active: boolean }>({
        text: `update kernel.runs set cancel_requested_at = case when state in ('queued', 'running')
                 then coalesce(cancel_requested_at, now()) else cancel_requested_at end
               where tenant_id = $1 and id = $2
               returning state in ('queued', 'running') as is_active, pg_notify('${channel}', 'cancel:' || id)`,
        values: [scope.tenantId, runId],
      });
      if (!rows[0]) throw kernelErrors.NOT_FOUND();
      return rows[0].is_active;
    });
    // After the commit, so that an attempt that begins now sees the request.
    live.get(runId)?.stop('cancelled');
    return isActive;
  }

  return {
    accept,
    start(runId) {
      const entry = accepted.get(runId);
      accepted.delete(runId);
      if (entry) execute(entry.run);
    },
    async events(scope, runId, lastEventId) {
      const cursor = lastEventId === null ? beforeAll : parseEventId(lastEventId);
      if (!cursor) throw runErrors.BAD_EVENT_ID();
      return await openSubscription({ db, findLive: (id) => live.get(id), follower }, { scope, runId, cursor });
    },
    cancel,
    async get(scope, runId) {
      const [row] = await db.withTenant(scope, (tx) =>
        tx.query<SummaryRow>({
          name: 'run-summary',
          text: `select ${summaryColumns} from kernel.runs where tenant_id = $1 and id = $2`,
          values: [scope.tenantId, runId],
        }),
      );
      return row ? toSummary(row) : null;
    },
    async findActive(tx, exclusiveKey) {
      const [row] = await tx.query<SummaryRow>({
        name: 'run-active',
        text: `select ${summaryColumns} from kernel.runs
               where tenant_id = $1 and exclusive_key = $2 and state in ('queued', 'running')`,
        values: [tx.scope?.tenantId, exclusiveKey],
      });
      return row ? toSummary(row) : null;
    },
    stats: () => ({ active: live.size, finished: finishedCount }),
    async open() {
      stopListening = await db.listen(channel, onNotify);
      registry.onBeat(onBeat);
      await sweep();
    },
    async drain(deadlineMilliseconds) {
      isDraining = true;
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, deadlineMilliseconds).unref());
      await Promise.race([Promise.allSettled(executing), deadline]);
      for (const run of live.values()) run.stop('shutdown');
      await Promise.race([Promise.allSettled(executing), new Promise((resolve) => setTimeout(resolve, 6_000).unref())]);
      await leases.releaseAll().catch((error: unknown) => log.warn({ err: error }, 'runs were not released; others will notice'));
      follower.close();
    },
    close() {
      stopListening();
      journal.close();
      follower.close();
    },
  };
}
