/** Every call is written down once, after it has ended and away from its tokens (K11.4). */
import type { Credits, Settlement } from '#kernel/credits';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';

/** CallRecord is a row of kernel.model_calls; times in whole milliseconds, cost in millionths of CURRENCY. */
export interface CallRecord {
  readonly tenantId: string;
  readonly userId: string | null;
  readonly app: string;
  readonly subjectId: string | null;
  readonly runId: string | null;
  readonly keyId: string | null;
  readonly connectionId: string | null;
  readonly model: string;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteInputTokens: number;
  readonly outputTokens: number;
  readonly isEstimated: boolean;
  readonly costMicros: number | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  readonly attempts: number;
  readonly outcome: string;
  /** Settled in the transaction that records the call; null when no budget binds it. */
  readonly reservationId: string | null;
}

export interface CallRecorder {
  /** Queues a record; never throws and never waits. */
  record(call: CallRecord): void;
  /** Resolves when everything queued so far is written (or given up). */
  flush(): Promise<void>;
}

const flushMilliseconds = 50;
const maxBatch = 500;
/** More than this cannot be kept while the database is away; the oldest go, and the log says how many. */
const maxQueued = 20_000;

const insert = `
  insert into kernel.model_calls (id, tenant_id, user_id, app, subject_id, run_id, key_id, connection_id, model, input_tokens,
    cached_input_tokens, cache_write_input_tokens, output_tokens, is_estimated, cost_micros, first_token_ms, duration_ms, attempts, outcome, created_at)
  select id, tenant_id, user_id, app, subject_id, run_id, key_id, connection_id, model, input_tokens, cached_input_tokens,
    cache_write_input_tokens, output_tokens, is_estimated, cost_micros, first_token_ms, duration_ms, attempts, outcome, created_at
  from jsonb_to_recordset($1::jsonb) as call(id uuid, tenant_id uuid, user_id uuid, app text, subject_id text, run_id uuid,
    key_id text, connection_id uuid, model text, input_tokens integer, cached_input_tokens integer,
    cache_write_input_tokens integer, output_tokens integer,
    is_estimated boolean, cost_micros bigint, first_token_ms integer, duration_ms integer, attempts integer, outcome text,
    created_at timestamptz)
  on conflict (id) do nothing returning id`;

type Row = Readonly<Record<string, string | number | boolean | null>>;

interface Queued {
  readonly row: Row;
  readonly settlement: Settlement;
}

function toQueued({ reservationId, ...call }: CallRecord): Queued {
  const fields = Object.entries(call).map(([name, value]) => [
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value as never,
  ]);
  const { costMicros, inputTokens, outputTokens } = call;
  const id = newId();
  return {
    row: { id, created_at: new Date().toISOString(), ...(Object.fromEntries(fields) as Row) },
    settlement: { callId: id, reservationId, costMicros: costMicros ?? 0, tokens: inputTokens + outputTokens },
  };
}

/** CallSettler is the part of credits that calls end with. */
export type CallSettler = Pick<Credits, 'settle' | 'end' | 'alert'>;

/** writeBatch resolves to whether a balance changed. What an attempt wrote whose commit was not heard of is left alone. */
async function writeBatch(tx: Tx, batch: readonly Queued[], credits: CallSettler): Promise<boolean> {
  const values = [JSON.stringify(batch.map(({ row }) => row))];
  const written = await tx.query<{ id: string }>({ name: 'llm.record-calls', text: insert, values });
  const ids = new Set(written.map(({ id }) => id));
  const settlements = batch.map(({ settlement }) => settlement);
  return credits.settle(
    tx,
    settlements.filter(({ callId }) => ids.has(callId)),
  );
}

/** isRefusedForGood tells data that can never be written (SQLSTATE classes 22 and 23) from a database that is away. */
function isRefusedForGood(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (/^2[23]/.test(String((cause as { code?: unknown }).code))) return true;
  }
  return false;
}

/** createCallRecorder writes records of all tenants together, some 50 ms after the first of a batch. */
export function createCallRecorder(db: Pick<Database, 'withSystem'>, log: Logger, credits: CallSettler): CallRecorder {
  let queue: Queued[] = [];
  let writing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  /** Until its record is written a call keeps its reservation, however long the database is away. */
  function endReservations(batch: readonly Queued[]): void {
    for (const { settlement } of batch) {
      if (settlement.reservationId !== null) credits.end(settlement.reservationId);
    }
  }

  function alert(): void {
    credits.alert().catch((error: unknown) => log.warn({ err: error }, 'alerts of budgets are tried again later'));
  }

  async function writeAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      try {
        const isBooked = await db.withSystem('record model calls', (tx) => writeBatch(tx, batch, credits));
        endReservations(batch);
        if (isBooked) alert();
      } catch (error) {
        if (isRefusedForGood(error)) {
          log.error({ err: error, lost: batch.length }, 'records of model calls do not fit the database and were lost');
          endReservations(batch);
          continue;
        }
        queue.unshift(...batch);
        log.error(
          { err: error, waiting: queue.length },
          'model calls could not be recorded; they are kept and tried again',
        );
        return;
      }
    }
  }

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    writing ??= writeAll().finally(() => {
      writing = null;
      if (queue.length > 0) timer ??= setTimeout(() => void flush(), 1_000).unref();
    });
    return writing;
  }

  return {
    record(call) {
      queue.push(toQueued(call));
      if (queue.length > maxQueued) {
        const dropped = queue.length - maxQueued;
        endReservations(queue.slice(0, dropped));
        queue = queue.slice(dropped);
        log.error({ dropped }, 'records of model calls were lost, because the database has been away for too long');
      }
      timer ??= setTimeout(() => void flush(), flushMilliseconds).unref();
    },
    flush,
  };
}
