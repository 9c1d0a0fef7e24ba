/** The run service accepts, executes, follows and stops runs; the row in SQL is the truth, this process only a worker. */
import type { Services } from '#kernel/app';
import type { ExecutorRegistry } from '#kernel/jobs';
import type { Database, TenantScope, Tx } from '#kernel/db';
import type { Logger } from '#kernel/log';
import { assertReach } from './assert-reach.ts';
import { createCallers, type CallerDeps } from './caller-rights.ts';
import { runErrors } from './errors.ts';
import { beforeAll, parseEventId } from './event-id.ts';
import { RunExecution, type ClaimedRun } from './execute-run.ts';
import { createJournal } from './journal.ts';
import { createLeases } from './leases.ts';
import { LiveRun } from './live-run.ts';
import { openSubscription } from './subscribe.ts';
import { createPublisher } from './publisher.ts';
import { channel, findActiveRun, findRun, insertRun, requestCancel } from './run-rows.ts';
import { createTableFollower } from './table-follower.ts';
import type { NewRun, RunService, RunWorkflow } from './types.ts';

/** Runs at once in one process; more wait in the queue. */
const maxActive = 2_000;
/** An accepted run whose `start` never came (the handler died after its commit) is started by the sweep after this. */
const startGraceMilliseconds = 2_000;
const retryAwayMilliseconds = 250;
const journalKeepHours = 24;
const pruneEveryBeats = 300;

interface RunServiceOptions extends CallerDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly registry: ExecutorRegistry;
  readonly role: 'all' | 'web' | 'worker';
  readonly workflows: readonly RunWorkflow[];
  /** The server's services, asked for when a run starts (they do not exist yet when this one is made). */
  readonly services: () => Services;
}

/** indexWorkflows is by name. Throws when one asks for a permission that nobody declares: nobody could ever run it. */
function indexWorkflows({ workflows, policy }: RunServiceOptions): ReadonlyMap<string, RunWorkflow> {
  for (const { name, permissions } of workflows) {
    const unknown = [permissions.act, permissions.read].find((permission) => !(permission in policy.permissions));
    if (unknown) throw new Error(`the workflow ${name} asks for the permission ${unknown}, which nobody declares`);
  }
  return new Map(workflows.map((workflow) => [workflow.name, workflow]));
}

/** createRunService makes the service; `open` begins to sweep and listen, `drain` and `close` end it. */
export function createRunService(options: RunServiceOptions): RunService {
  const { db, log, registry, role, identity, policy } = options;
  const workflows = indexWorkflows(options);
  const isExecutor = role !== 'web';
  const live = new Map<string, LiveRun>();
  const callers = createCallers({ identity, policy, log }, (runId) => live.get(runId)?.stop('not-allowed'));
  const accepted = new Map<string, { readonly run: ClaimedRun; readonly at: number }>();
  const executing = new Set<Promise<void>>();
  const leases = createLeases(db, registry.id);
  const follower = createTableFollower({ db, log });
  const journal = createJournal({ db, log, onLeaseLost: (run) => run.stop('lease-lost') });
  const publisher = createPublisher();
  const onEmit = (run: LiveRun): void => {
    journal.touch(run);
    publisher.publishSoon(run);
  };
  let isDraining = false;
  const stops: (() => void)[] = [];
  let beats = 0;
  let finishedCount = 0;

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
      const liveRun = new LiveRun(run, onEmit);
      const caller = callers.enter(run, workflows.get(run.workflow)?.permissions.act ?? '');
      live.set(run.runId, liveRun);
      const outcome: string = await new RunExecution(
        { db, log, journal, workflows, services: options.services },
        run,
        liveRun,
        caller,
      ).execute();
      if (live.get(run.runId) === liveRun) live.delete(run.runId);
      callers.leave(caller);
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
    const claims = await leases.claim(held, Math.min(room, 200));
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

  async function accept(tx: Tx, run: NewRun): Promise<{ id: string }> {
    const startsHere = isExecutor && !isDraining && live.size < maxActive;
    const claim = await insertRun(tx, run, startsHere ? registry.id : null);
    if (startsHere) accepted.set(claim.runId, { run: claim, at: performance.now() });
    return { id: claim.runId };
  }

  async function cancel(scope: TenantScope, runId: string): Promise<boolean> {
    const isActive = await db.withTenant(scope, (tx) => requestCancel(tx, scope, runId));
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
    get: (scope, runId) => db.withTenant(scope, (tx) => findRun(tx, scope, runId)),
    assertReach: (caller, runId, act) => assertReach({ db, policy, workflows }, caller, runId, act),
    findActive: findActiveRun,
    stats: () => ({ active: live.size, finished: finishedCount }),
    async open() {
      stops.push(await db.listen(channel, onNotify), callers.watch());
      registry.onBeat(onBeat);
      await sweep();
    },
    async drain(deadlineMilliseconds) {
      isDraining = true;
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, deadlineMilliseconds).unref());
      await Promise.race([Promise.allSettled(executing), deadline]);
      for (const run of live.values()) run.stop('shutdown');
      await Promise.race([Promise.allSettled(executing), new Promise((resolve) => setTimeout(resolve, 6_000).unref())]);
      await leases
        .releaseAll()
        .catch((error: unknown) => log.warn({ err: error }, 'runs were not released; others will notice'));
      follower.close();
    },
    close() {
      for (const stop of stops.splice(0)) stop();
      journal.close();
      follower.close();
    },
  };
}
