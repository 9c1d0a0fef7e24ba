/** The journal makes events and finished steps of all runs durable together: one statement per flush, however many runs. */
import type { Database, Tx } from '#kernel/db';
import type { Logger } from '#kernel/log';
import { isDatabaseAway } from './is-database-away.ts';
import type { LiveRun, StoredEvent } from './live-run.ts';

/** How long an event may wait before it becomes durable. */
const flushEveryMilliseconds = 200;
const retryMilliseconds = [50, 100, 200, 400, 800, 1_000];

export interface StepRecord {
  readonly ordinal: number;
  readonly name: string;
  /** JSON. */
  readonly result: string;
}

interface PendingStep extends StepRecord {
  readonly run: LiveRun;
  readonly attempt: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** LeaseLostError says that another executor holds the run now: this one must fall silent. */
export class LeaseLostError extends Error {
  constructor(runId: string) {
    super(`run ${runId} is held by another executor`);
    this.name = 'LeaseLostError';
  }
}

export interface Journal {
  /** Tells that a run has events to flush soon. */
  touch(run: LiveRun): void;
  /** Makes the run's events so far and the step's result durable, in one transaction, events first. */
  recordStep(run: LiveRun, step: StepRecord): Promise<void>;
  /** Resolves when no flush is under way that could touch this run, and keeps it out of later ones. */
  release(run: LiveRun): Promise<void>;
  /** Flushes what is pending now; rejects if the database does not take it at the first try. */
  flush(): Promise<void>;
  close(): void;
}

interface JournalOptions {
  readonly db: Database;
  readonly log: Logger;
  /** Called once for a run whose writes are refused because a newer attempt exists. */
  readonly onLeaseLost: (run: LiveRun) => void;
}

/** eventPairs renders events as the journal's JSON: an array of [type, data]. */
export function eventPairs(events: readonly StoredEvent[]): string {
  return `[${events.map((event) => `[${JSON.stringify(event.event)},${event.data}]`).join(',')}]`;
}

/** Fencing: rows go in only where the run is still held under the attempt that made the events. */
const insertEvents = `
  insert into kernel.run_events (tenant_id, owner_id, run_id, attempt, first_seq, last_seq, events)
  select r.tenant_id, r.owner_id, r.id, x.attempt, x.first_seq, x.last_seq, x.events::json
  from unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[]) as x (run_id, attempt, first_seq, last_seq, events)
  join kernel.runs r on r.id = x.run_id and r.attempt = x.attempt and r.state = 'running'
  on conflict (tenant_id, run_id, attempt, first_seq)
    do update set last_seq = excluded.last_seq, events = excluded.events
  returning run_id`;

const insertSteps = `
  insert into kernel.run_steps (tenant_id, owner_id, run_id, ordinal, name, attempt, result)
  select r.tenant_id, r.owner_id, r.id, x.ordinal, x.name, x.attempt, x.result::jsonb
  from unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[]) as x (run_id, attempt, ordinal, name, result)
  join kernel.runs r on r.id = x.run_id and r.attempt = x.attempt and r.state = 'running'
  on conflict (tenant_id, run_id, ordinal) do update set attempt = excluded.attempt
  returning run_id`;

interface Batch {
  readonly run: LiveRun;
  readonly attempt: number;
  readonly events: readonly StoredEvent[];
}

export function createJournal({ db, log, onLeaseLost }: JournalOptions): Journal {
  const dirty = new Set<LiveRun>();
  const released = new WeakSet<LiveRun>();
  let steps: PendingStep[] = [];
  let timer: NodeJS.Timeout | undefined;
  let timerDue = 0;
  let failures = 0;
  let flushing: Promise<void> | null = null;
  let isClosed = false;

  async function writeBatches(
    tx: Tx,
    batches: readonly Batch[],
    pending: readonly PendingStep[],
  ): Promise<Set<string>> {
    const kept = new Set<string>();
    const collect = (rows: { run_id: string }[]) => rows.forEach((row) => kept.add(row.run_id));
    if (batches.length > 0) {
      const values = [
        batches.map((batch) => batch.run.runId),
        batches.map((batch) => batch.attempt),
        batches.map((batch) => batch.events[0]?.seq),
        batches.map((batch) => batch.events.at(-1)?.seq),
        batches.map((batch) => eventPairs(batch.events)),
      ];
      collect(await tx.query<{ run_id: string }>({ name: 'journal-events', text: insertEvents, values }));
    }
    if (pending.length > 0) {
      const values = [
        pending.map((step) => step.run.runId),
        pending.map((step) => step.attempt),
        pending.map((step) => step.ordinal),
        pending.map((step) => step.name),
        pending.map((step) => step.result),
      ];
      collect(await tx.query<{ run_id: string }>({ name: 'journal-steps', text: insertSteps, values }));
    }
    if (!db.isEmbedded)
      await tx.query({ name: 'journal-notify', text: `select pg_notify('bulkhead_runs', 'flushed')` });
    return kept;
  }

  function settle(batches: readonly Batch[], pending: readonly PendingStep[], kept: ReadonlySet<string>): void {
    for (const { run, attempt, events } of batches) {
      if (run.attempt !== attempt) continue;
      if (kept.has(run.runId)) run.markFlushed(events.at(-1)?.seq ?? 0);
      else onLeaseLost(run);
    }
    for (const step of pending) {
      if (kept.has(step.run.runId)) step.resolve();
      else step.reject(new LeaseLostError(step.run.runId));
    }
  }

  function takeBatches(): Batch[] {
    const batches: Batch[] = [];
    for (const run of dirty) {
      const events = released.has(run) ? [] : run.unflushed();
      if (events.length > 0) batches.push({ run, attempt: run.attempt, events });
    }
    dirty.clear();
    return batches;
  }

  /** One run's rows that the database refuses must not hold up everybody's: each run is written alone, the bad one fails. */
  async function flushOneByOne(batches: readonly Batch[], pending: readonly PendingStep[]): Promise<void> {
    const runs = new Set([...batches.map((batch) => batch.run), ...pending.map((step) => step.run)]);
    for (const run of runs) {
      const own = batches.filter((batch) => batch.run === run);
      const ownSteps = pending.filter((step) => step.run === run);
      try {
        settle(own, ownSteps, await db.withSystem('run journal', (tx) => writeBatches(tx, own, ownSteps)));
      } catch (error) {
        log.error({ err: error, runId: run.runId }, 'the journal cannot take the events of a run');
        ownSteps.forEach((step) => step.reject(error));
        run.abort.abort(error);
      }
    }
  }

  async function flushOnce(): Promise<void> {
    const batches = takeBatches();
    const pending = steps;
    steps = [];
    if (batches.length === 0 && pending.length === 0) return;
    try {
      const kept = await db.withSystem('run journal', (tx) => writeBatches(tx, batches, pending));
      settle(batches, pending, kept);
      failures = 0;
    } catch (error) {
      if (!isDatabaseAway(error)) return await flushOneByOne(batches, pending);
      failures += 1;
      log.warn({ err: error, runs: batches.length, failures }, 'journal flush failed; it will be repeated');
      for (const { run, attempt } of batches) if (run.attempt === attempt) dirty.add(run);
      steps = [...pending, ...steps];
      throw error;
    }
  }

  /** Makes sure that a flush happens within the delay; an earlier one already planned stands. */
  function schedule(isUrgent = false): void {
    if (isClosed || flushing || (dirty.size === 0 && steps.length === 0)) return;
    const delay = failures > 0 ? (retryMilliseconds[failures - 1] ?? 1_000) : isUrgent ? 0 : flushEveryMilliseconds;
    const due = performance.now() + delay;
    if (timer && timerDue <= due) return;
    clearTimeout(timer);
    timerDue = due;
    timer = setTimeout(() => void flushNow().catch(() => undefined), delay); // a failure is logged and repeated
  }

  function flushNow(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    flushing = flushOnce().finally(() => {
      flushing = null;
      schedule(steps.length > 0);
    });
    return flushing;
  }

  return {
    touch(liveRun) {
      dirty.add(liveRun);
      schedule();
    },
    recordStep(liveRun, step) {
      return new Promise((resolve, reject) => {
        dirty.add(liveRun);
        steps.push({ ...step, run: liveRun, attempt: liveRun.attempt, resolve, reject });
        schedule(true);
      });
    },
    async release(liveRun) {
      released.add(liveRun);
      await flushing?.catch(() => undefined);
    },
    async flush() {
      await flushing?.catch(() => undefined);
      await flushNow();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
