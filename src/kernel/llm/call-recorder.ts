/** Every call is written down once, after it has ended and away from its tokens (K11.4). */
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';

/** CallRecord is a row of kernel.model_calls; times in whole milliseconds, cost in millionths of a US dollar. */
export interface CallRecord {
  readonly tenantId: string;
  readonly userId: string | null;
  readonly app: string;
  readonly subjectId: string | null;
  readonly runId: string | null;
  readonly connectionId: string | null;
  readonly model: string;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly isEstimated: boolean;
  readonly costMicros: number | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  readonly attempts: number;
  readonly outcome: string;
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
  insert into kernel.model_calls (id, tenant_id, user_id, app, subject_id, run_id, connection_id, model, input_tokens,
    cached_input_tokens, output_tokens, is_estimated, cost_micros, first_token_ms, duration_ms, attempts, outcome, created_at)
  select id, tenant_id, user_id, app, subject_id, run_id, connection_id, model, input_tokens, cached_input_tokens,
    output_tokens, is_estimated, cost_micros, first_token_ms, duration_ms, attempts, outcome, created_at
  from jsonb_to_recordset($1::jsonb) as call(id uuid, tenant_id uuid, user_id uuid, app text, subject_id text, run_id uuid,
    connection_id uuid, model text, input_tokens integer, cached_input_tokens integer, output_tokens integer,
    is_estimated boolean, cost_micros bigint, first_token_ms integer, duration_ms integer, attempts integer, outcome text,
    created_at timestamptz)
  on conflict (id) do nothing`;

type Row = Readonly<Record<string, string | number | boolean | null>>;

function toRow(call: CallRecord): Row {
  const fields = Object.entries(call).map(([name, value]) => [
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value as never,
  ]);
  return { id: newId(), created_at: new Date().toISOString(), ...(Object.fromEntries(fields) as Row) };
}

/** isRefusedForGood tells data that can never be written (SQLSTATE classes 22 and 23) from a database that is away. */
function isRefusedForGood(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (/^2[23]/.test(String((cause as { code?: unknown }).code))) return true;
  }
  return false;
}

/** createCallRecorder writes records of all tenants together, some 50 ms after the first of a batch. */
export function createCallRecorder(db: Pick<Database, 'withSystem'>, log: Logger): CallRecorder {
  let queue: Row[] = [];
  let writing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function writeAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      try {
        await db.withSystem('record model calls', (tx) =>
          tx.query({ name: 'llm.record-calls', text: insert, values: [JSON.stringify(batch)] }),
        );
      } catch (error) {
        if (isRefusedForGood(error)) {
          log.error({ err: error, lost: batch.length }, 'records of model calls do not fit the database and were lost');
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
      queue.push(toRow(call));
      if (queue.length > maxQueued) {
        const dropped = queue.length - maxQueued;
        queue = queue.slice(dropped);
        log.error({ dropped }, 'records of model calls were lost, because the database has been away for too long');
      }
      timer ??= setTimeout(() => void flush(), flushMilliseconds).unref();
    },
    flush,
  };
}
