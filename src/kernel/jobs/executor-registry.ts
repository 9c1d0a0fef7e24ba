/** Executors say every second that they live; whoever falls silent loses its runs and jobs to the others. */
import { hostname } from 'node:os';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';

/** Silence after which an executor counts as dead whatever its session looks like (a cable that was pulled). */
const deadAfterSeconds = 6;
/** Silence after which one whose session is gone counts as dead: a killed process, whose sockets the system has closed. */
const goneAfterSeconds = 2;
const beatEveryMilliseconds = 1_000;

/**
 * deadExecutorSql is the condition "executor `column` is dead". Its writes are fenced by attempt numbers, so that being
 * wrong costs work and never a message. After a start of the database everybody gets time to report before anybody is
 * judged; embedded, where a data folder has one server, nobody needs to wait.
 */
export function deadExecutorSql(column: string, isEmbedded: boolean): string {
  const isJudgeable = `now() - pg_postmaster_start_time() > interval '${deadAfterSeconds} seconds'`;
  return `${isEmbedded ? 'true' : isJudgeable} and not exists (
    select 1 from kernel.executors live where live.id = ${column} and (
      live.heartbeat_at > now() - interval '${goneAfterSeconds} seconds'
      or live.heartbeat_at > now() - interval '${deadAfterSeconds} seconds'
        and exists (select 1 from pg_stat_activity s where s.application_name = live.session_name)))`;
}

/** listServersWithoutKey names the living processes that were not given a master key as a setting. */
export async function listServersWithoutKey(db: Pick<Database, 'withSystem'>, keyId: string): Promise<string[]> {
  const rows = await db.withSystem('servers without a master key', (tx) =>
    tx.query<{ name: string }>({
      text: `select format('%s (process %s)', host, pid) as name from kernel.executors
             where coalesce($1 <> all(master_key_ids), true) and heartbeat_at > now() - interval '${deadAfterSeconds} seconds'
             order by host, pid`,
      values: [keyId],
    }),
  );
  return rows.map(({ name }) => name);
}

export interface ExecutorRegistry {
  readonly id: string;
  /** Announces this process; in embedded mode whoever was here before is dead, because the data folder is locked. */
  register(): Promise<void>;
  /** Calls back after each successful heartbeat; errors of the callback are logged. */
  onBeat(callback: () => Promise<void>): void;
  /** Stops beating and signs off, so that others need not wait. */
  close(): Promise<void>;
}

interface RegistryOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly role: string;
  /** Ids of the master keys that its settings give this process; absent when it reads them from the data folder. */
  readonly masterKeyIds?: readonly string[] | undefined;
}

/** createExecutorRegistry makes the registry of this process; nothing is written before `register`. */
export function createExecutorRegistry({ db, log, role, masterKeyIds }: RegistryOptions): ExecutorRegistry {
  const id = newId();
  const callbacks: (() => Promise<void>)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let beating: Promise<void> = Promise.resolve();

  const writeHeartbeat = () =>
    db.withSystem('executor heartbeat', (tx) =>
      tx.query({
        name: 'executor-heartbeat',
        text: `insert into kernel.executors (id, host, pid, role, session_name, master_key_ids)
               values ($1, $2, $3, $4, $5, $6)
               on conflict (id) do update set heartbeat_at = now()`,
        values: [id, hostname(), process.pid, role, db.sessionName, masterKeyIds ?? null],
      }),
    );

  async function beat(): Promise<void> {
    try {
      await writeHeartbeat();
    } catch (error) {
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
      schedule();
    },
    onBeat: (callback) => void callbacks.push(callback),
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
