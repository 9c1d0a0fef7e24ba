/** A subscription gives a client every event after its last one, once and in order: from SQL, from memory, then live. */
import type { Database, TenantScope } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import type { EventStream, EventWriter } from '#kernel/http';
import { isAfter, type EventId } from './event-id.ts';
import { serialiseEvent, type LiveRun, type StoredEvent } from './live-run.ts';
import { expandRow, type JournalRow } from './journal-row.ts';
import type { TableFollower } from './table-follower.ts';

/** A client that lets this much pile up is served from SQL again once it has caught up. */
const slowClientBytes = 256 * 1024;

interface RunRow {
  readonly state: string;
  readonly attempt: number;
  readonly done_seq: number | null;
  readonly done_data: Record<string, unknown> | null;
}

export interface SubscriptionTarget {
  readonly scope: TenantScope;
  readonly runId: string;
  /** The last event the client has. */
  readonly cursor: EventId;
}

export interface SubscriptionDeps {
  readonly db: Database;
  readonly findLive: (runId: string) => LiveRun | undefined;
  readonly follower: TableFollower;
}

/** readAfter reads the run and its journalled events after the cursor, as its owner; 404 for anybody else. */
async function readAfter(
  db: Database,
  scope: TenantScope,
  runId: string,
  cursor: EventId,
): Promise<{ run: RunRow; events: StoredEvent[] }> {
  return await db.withTenant(scope, async (tx) => {
    const [run] = await tx.query<RunRow>({
      name: 'run-state',
      text: 'select state, attempt, done_seq, done_data from kernel.runs where tenant_id = $1 and id = $2',
      values: [scope.tenantId, runId],
    });
    if (!run) throw kernelErrors.NOT_FOUND();
    const rows = await tx.last<JournalRow>({
      name: 'run-events-after',
      text: `select run_id, attempt, first_seq, events from kernel.run_events
             where tenant_id = $1 and run_id = $2 and attempt >= $3 and (attempt, last_seq) > ($3, $4)
             order by attempt, first_seq`,
      values: [scope.tenantId, runId, cursor.attempt, cursor.seq],
    });
    return { run, events: rows.flatMap((row) => expandRow(row, cursor)) };
  });
}

/** The journal of an old run is pruned; its done event remains. */
function rebuildDone(run: RunRow, cursor: EventId): StoredEvent[] {
  if (run.done_seq === null || !isAfter({ attempt: run.attempt, seq: run.done_seq }, cursor)) return [];
  const { step, ...data } = run.done_data ?? {};
  return [serialiseEvent(run.attempt, run.done_seq, 'done', Number(step ?? 0), data)];
}

/** Subscription walks one client through the events of one run. */
class Subscription {
  readonly #deps: SubscriptionDeps;
  readonly #scope: TenantScope;
  readonly #runId: string;
  readonly #writer: EventWriter;
  readonly #signal: AbortSignal;
  #cursor: EventId;
  #isDone = false;

  constructor(deps: SubscriptionDeps, target: SubscriptionTarget, writer: EventWriter, signal: AbortSignal) {
    this.#deps = deps;
    this.#scope = target.scope;
    this.#runId = target.runId;
    this.#cursor = target.cursor;
    this.#writer = writer;
    this.#signal = signal;
  }

  async pump(): Promise<void> {
    while (!this.#isDone && !this.#signal.aborted) {
      const live = this.#deps.findLive(this.#runId);
      if (live) await this.#followLive(live);
      else await this.#followTable();
      if (!this.#isDone && this.#writer.bufferedBytes > slowClientBytes) await this.#writer.drained();
    }
  }

  /** Sends what the client does not have yet; several events are one write. */
  #send(events: readonly StoredEvent[]): void {
    const first = events[0];
    if (!first || this.#isDone) return;
    const fresh = isAfter(first, this.#cursor) ? events : events.filter((event) => isAfter(event, this.#cursor));
    const last = fresh.at(-1);
    if (!last) return;
    this.#writer.write(fresh);
    this.#cursor = { attempt: last.attempt, seq: last.seq };
    if (last.event === 'done') this.#isDone = true;
  }

  async #followLive(live: LiveRun): Promise<void> {
    const held: StoredEvent[] = [];
    let isCaughtUp = false;
    let wake: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (wake = resolve));
    const unsubscribe = live.subscribe((events) => {
      if (!isCaughtUp) return void held.push(...events);
      this.#send(events);
      if (this.#isDone || this.#writer.bufferedBytes > slowClientBytes) wake();
    });
    live.onEnd(wake);
    this.#signal.addEventListener('abort', wake, { once: true });
    try {
      const memory = { attempt: live.attempt, first: live.firstSeqInMemory, events: live.events.slice() };
      if (this.#needsTable(memory.attempt, memory.first)) {
        const { events } = await readAfter(this.#deps.db, this.#scope, this.#runId, this.#cursor);
        this.#send(events.filter((event) => event.attempt < memory.attempt || event.seq < memory.first));
      }
      this.#send(memory.events);
      this.#send(held);
      isCaughtUp = true;
      if (!this.#isDone && this.#writer.bufferedBytes <= slowClientBytes) await over;
    } finally {
      unsubscribe();
      this.#signal.removeEventListener('abort', wake);
    }
  }

  /** True when events between the cursor and the oldest one in memory may exist. */
  #needsTable(attempt: number, firstInMemory: number): boolean {
    if (this.#cursor.attempt === attempt) return this.#cursor.seq + 1 < firstInMemory;
    return attempt > 1 || firstInMemory > 1;
  }

  async #followTable(): Promise<void> {
    const { run, events } = await readAfter(this.#deps.db, this.#scope, this.#runId, this.#cursor);
    this.#send(events);
    if (this.#isDone) return;
    if (run.state !== 'running' && run.state !== 'queued') {
      this.#send(rebuildDone(run, this.#cursor));
      this.#isDone = true;
      return;
    }
    const target = { tenantId: this.#scope.tenantId, runId: this.#runId, cursor: this.#cursor };
    await this.#deps.follower.follow(target, this.#signal, (fresh) => {
      this.#send(fresh);
      const isElsewhere = this.#deps.findLive(this.#runId) === undefined;
      return !this.#isDone && isElsewhere && this.#writer.bufferedBytes <= slowClientBytes;
    });
  }
}

/** openSubscription checks that the scope may see the run (404 otherwise) and returns its event stream. */
export async function openSubscription(deps: SubscriptionDeps, target: SubscriptionTarget): Promise<EventStream> {
  const live = deps.findLive(target.runId);
  const isOwn = live?.tenantId === target.scope.tenantId && live.ownerId === target.scope.userId;
  if (!isOwn) await readAfter(deps.db, target.scope, target.runId, { attempt: 1_000_000_000, seq: 0 });
  return {
    kind: 'event-stream',
    open: (writer, signal) => new Subscription(deps, target, writer, signal).pump(),
  };
}
