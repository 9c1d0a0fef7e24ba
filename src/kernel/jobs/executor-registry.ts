/** Executors say every second that they live; whoever falls silent loses its runs and jobs to the others. */
import { hostname } from 'node:os';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';

/** Silence after which an executor counts as dead. Its writes are fenced by attempt numbers, so being wrong is safe. */
export const deadAfterSeconds = 6;
const beatEveryMilliseconds = 1_000;

/** liveExecutorSql is the condition "executor `column` is alive", for queries that look for work of the dead. */
export function liveExecutorSql(column: string): string {
  return `exists (select 1 from kernel.executors live where live.id = ${column}
    and live.heartbeat_at > now() - interval '${deadAfterSeconds} seconds')`;
}

export interface ExecutorRegistry {
  readonly id: string;
  /** Announces this process; in embedded mode whoever was here before is dead, because the data folder is locked. */
  register(): Promise<void>;
  /** Calls back after each successful heartbeat; errors of the callback are logged. */
  onBeat(callback: () => Promise<void>): void;
  /** True when this process has been in touch with the database long enough to judge others. */
  mayJudgeOthers(): boolean;
  /** Stops beating and signs off, so that others need not wait. */
  close(): Promise<void>;
}

interface RegistryOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly role: string;
}

/** createExecutorRegistry makes the registry of this process; nothing is written before `register`. */
export function createExecutorRegistry({ db, log, role }: RegistryOptions): ExecutorRegistry {
  const id = newId();
  const callbacks: (() => Promise<void>)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let inTouchSince: number | null = null;
  let beating: Promise<void> = Promise.resolve();

  const writeHeartbeat = () =>
    db.withSystem('executor heartbeat', (tx) =>
      tx.query({
        name: 'executor-heartbeat',
        text: `insert into kernel.executors (id, host, pid, role) values ($1, $2, $3, $4)
               on conflict (id) do update set heartbeat_at = now()`,
        values: [id, hostname(), process.pid, role],
      }),
    );

  async function beat(): Promise<void> {
    try {
      await writeHeartbeat();
      inTouchSince ??= performance.now();
    } catch (error) {
      inTouchSince = null;
      log.warn({ err: error }, 'heartbeat failed; the database may be away');
      return;
    }
    for (const callback of callbacks) {
      await callback().catch((error: unknown) => log.warn({ err: error }, 'work after a heartbeat failed'));
    }
  }

  function schedule(): void {
    if (isClosed) return;
    timer = setTimeout(() => {
      beating = beat().finally(schedule);
    }, beatEveryMilliseconds);
    timer.unref();
  }

  return {
    id,
    async register() {
      await db.withSystem('executor registration', (tx) =>
        tx.query({
          text: db.isEmbedded
            ? 'delete from kernel.executors'
            : `delete from kernel.executors where heartbeat_at < now() - interval '1 hour'`,
        }),
      );
      await writeHeartbeat();
      // Nobody shares an embedded database, so there is nobody to be unfair to; elsewhere wait out one full silence.
      inTouchSince = db.isEmbedded ? -Infinity : performance.now();
      schedule();
    },
    onBeat: (callback) => void callbacks.push(callback),
    mayJudgeOthers() {
      if (inTouchSince === null) return false;
      return db.isEmbedded || performance.now() - inTouchSince > deadAfterSeconds * 1_000;
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await beating;
      await db
        .withSystem('executor sign-off', (tx) =>
          tx.query({ text: 'delete from kernel.executors where id = $1', values: [id] }),
        )
        .catch((error: unknown) => log.warn({ err: error }, 'sign-off failed; others will notice the silence'));
    },
  };
}
