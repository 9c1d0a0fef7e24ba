/** Runs that execute elsewhere are followed in SQL: one query for all of them, every 250 ms, sooner when notified. */
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';
import { isAfter, type EventId } from './event-id.ts';
import { expandRow, type JournalRow } from './journal-row.ts';
import type { StoredEvent } from './live-run.ts';

const pollMilliseconds = 250;
/** Notifications come with every flush of every process; polling more often than this gains nothing. */
const minGapMilliseconds = 25;

interface Target {
  readonly tenantId: string;
  readonly runId: string;
  cursor: EventId;
}

interface Follow extends Target {
  /** Takes fresh events (maybe none) and says whether to go on. */
  readonly deliver: (events: readonly StoredEvent[]) => boolean;
  readonly end: () => void;
}

export interface TableFollower {
  /** Delivers what appears after the cursor until `deliver` returns false or the signal aborts. */
  follow(target: Readonly<Target>, signal: AbortSignal, deliver: Follow['deliver']): Promise<void>;
  /** Polls soon, because something was flushed. */
  wake(): void;
  close(): void;
}

/** createTableFollower makes the follower of this process; it is idle while nothing is followed. */
export function createTableFollower({ db, log }: { readonly db: Database; readonly log: Logger }): TableFollower {
  const follows = new Set<Follow>();
  let timer: NodeJS.Timeout | undefined;
  let isPolling = false;
  let isWoken = false;
  let isClosed = false;

  async function readAll(): Promise<JournalRow[]> {
    const list = [...follows];
    return await db.withSystem('run follower', (tx) =>
      tx.query<JournalRow>({
        name: 'follow-runs',
        text: `select distinct on (e.run_id, e.attempt, e.first_seq) e.run_id, e.attempt, e.first_seq, e.events
               from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) as x (tenant_id, run_id, attempt, seq)
               join kernel.run_events e on e.tenant_id = x.tenant_id and e.run_id = x.run_id
                 and e.attempt >= x.attempt and (e.attempt, e.last_seq) > (x.attempt, x.seq)
               order by e.run_id, e.attempt, e.first_seq`,
        values: [
          list.map((follow) => follow.tenantId),
          list.map((follow) => follow.runId),
          list.map((follow) => follow.cursor.attempt),
          list.map((follow) => follow.cursor.seq),
        ],
      }),
    );
  }

  function deliverTo(follow: Follow, rows: readonly JournalRow[]): void {
    const events = rows.flatMap((row) => expandRow(row, follow.cursor));
    const last = events.at(-1);
    if (last && isAfter(last, follow.cursor)) follow.cursor = { attempt: last.attempt, seq: last.seq };
    if (!follow.deliver(events)) follow.end();
  }

  async function poll(): Promise<void> {
    isPolling = true;
    isWoken = false;
    try {
      const byRun = Map.groupBy(await readAll(), (row) => row.run_id);
      for (const follow of follows) deliverTo(follow, byRun.get(follow.runId) ?? []);
    } catch (error) {
      log.warn({ err: error }, 'following runs failed; it will be repeated');
    } finally {
      isPolling = false;
      schedule(isWoken ? minGapMilliseconds : pollMilliseconds);
    }
  }

  function schedule(delay: number): void {
    clearTimeout(timer);
    if (!isClosed && follows.size > 0) timer = setTimeout(() => void poll(), delay);
  }

  return {
    follow(target, signal, deliver) {
      return new Promise((resolve) => {
        const end = () => {
          follows.delete(follow);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const follow: Follow = { ...target, deliver, end };
        signal.addEventListener('abort', end, { once: true });
        if (signal.aborted || isClosed) return end();
        follows.add(follow);
        if (!isPolling) schedule(minGapMilliseconds);
      });
    },
    wake() {
      isWoken = true;
      if (!isPolling) schedule(minGapMilliseconds);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      for (const follow of follows) follow.end();
    },
  };
}
