/** Background jobs: what runs, what failed and why, once more or no further; never what a job was given to do. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { auditAct } from '../audit-act.ts';
import { adminContract } from '../contract.ts';
import { adminErrors } from '../errors.ts';
import { searchPattern } from '../search-pattern.ts';

const readLimit: Limit = { name: 'admin.read', max: 600, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'admin.write', max: 120, windowSeconds: 3_600, by: 'user' };

type State = 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';

/** Statuses of the engine by state; one that is not here counts as waiting. */
const statusesOf: Readonly<Record<State, readonly string[]>> = {
  running: ['PENDING'],
  waiting: ['ENQUEUED', 'DELAYED'],
  done: ['SUCCESS'],
  failed: ['ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'],
  cancelled: ['CANCELLED'],
};

function stateOf(status: string): State {
  const found = Object.entries(statusesOf).find(([, statuses]) => statuses.includes(status));
  return (found?.[0] as State | undefined) ?? 'waiting';
}

interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly error: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The engine of today keeps errors in a table of their own, that of old kept them with the job. */
const jobSql = `select s.workflow_uuid as id, s.name, s.status, coalesce(o.error, s.error) as error, s.created_at::text,
    s.updated_at::text
  from dbos.workflow_status s left join dbos.workflow_output o on o.workflow_uuid = s.workflow_uuid`;

/** messageOf is the sentence in an error as the engine keeps it. */
function messageOf(error: string | null): string | null {
  if (error === null) return null;
  const longest = 500;
  try {
    const { json, message } = JSON.parse(error) as { message?: unknown; json?: { message?: unknown } };
    const text = message ?? json?.message;
    return typeof text === 'string' ? text.slice(0, longest) : 'It failed without a word.';
  } catch {
    return error.slice(0, longest); // an engine of another day wrote it as plain text
  }
}

function toJob(row: JobRow, titles: ReadonlyMap<string, string>) {
  const at = (milliseconds: string) => new Date(Number(milliseconds)).toISOString();
  const state = stateOf(row.status);
  return {
    id: row.id,
    name: row.name,
    title: titles.get(row.name) ?? null,
    state,
    createdAt: at(row.created_at),
    updatedAt: at(row.updated_at),
    error: state === 'failed' ? messageOf(row.error) : null,
  };
}

/** readCursor is the place after which the list goes on: a moment and an id. Throws INVALID_REQUEST. */
function readCursor(cursor: string | undefined): readonly [string | null, string | null] {
  if (cursor === undefined) return [null, null];
  const [at, jobId, ...more] = decodeCursor(cursor) ?? [];
  if (more.length === 0 && typeof at === 'string' && /^\d{1,18}$/.test(at) && typeof jobId === 'string')
    return [at, jobId];
  throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/cursor', detail: 'not a cursor of this list' }] });
}

/** namesOf is the names of the workflows whose title has the text in it. */
function namesOf(titles: ReadonlyMap<string, string>, search = ''): string[] {
  const wanted = search.toLowerCase();
  return [...titles].flatMap(([name, title]) => (title.toLowerCase().includes(wanted) ? [name] : []));
}

const list = defineRoute(adminContract, 'GET /admin/jobs', {
  id: 'admin.jobs.list',
  access: 'operator',
  limit: readLimit,
  async handler({ query, services }) {
    const [at, jobId] = readCursor(query.cursor);
    const { isReady, titles } = services.jobs;
    if (!isReady) return { items: [], nextCursor: null };
    const rows = await services.db.withSystem('list background jobs', (tx) =>
      tx.query<JobRow>({
        text: `${jobSql} where ($1::bigint is null or (s.created_at, s.workflow_uuid) < ($1, $2))
               and ($3::text[] is null or s.status = any($3))
               and ($4::text is null or s.name ilike $4 or s.workflow_uuid ilike $4 or s.name = any($5))
               order by s.created_at desc, s.workflow_uuid desc limit $6`,
        values: [
          at,
          jobId,
          query.state ? statusesOf[query.state] : null,
          searchPattern(query.search),
          namesOf(titles, query.search),
          query.limit + 1,
        ],
      }),
    );
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    const hasMore = rows.length > query.limit && last;
    return {
      items: shown.map((row) => toJob(row, titles)),
      nextCursor: hasMore ? encodeCursor([last.created_at, last.id]) : null,
    };
  },
});

/** findState is what a job is in now. Throws NOT_FOUND. */
async function findState(ctx: SignedInContext, jobId: string): Promise<State> {
  const { db, jobs } = ctx.services;
  if (!jobs.isReady) throw kernelErrors.UNAVAILABLE({ retryAfterSeconds: 5 });
  const [row] = await db.withSystem('read a background job', (tx: Tx) =>
    tx.query<JobRow>({ text: `${jobSql} where s.workflow_uuid = $1`, values: [jobId] }),
  );
  if (!row) throw kernelErrors.NOT_FOUND();
  return stateOf(row.status);
}

/** record writes the act down first: the engine works in transactions of its own. */
function record(ctx: SignedInContext, action: string, jobId: string): Promise<void> {
  return ctx.services.db.withSystem('record an act on a background job', (tx) =>
    auditAct(ctx, tx, null, { action, resource: `job:${jobId}` }),
  );
}

const retry = defineRoute(adminContract, 'POST /admin/jobs/{jobId}/retry', {
  id: 'admin.jobs.retry',
  access: 'operator',
  limit: writeLimit,
  errors: ['JOB_NOT_RETRYABLE'],
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { jobId } = context.params;
    const state = await findState(ctx, jobId);
    if (state !== 'failed' && state !== 'cancelled') throw adminErrors.JOB_NOT_RETRYABLE();
    await record(ctx, 'admin.jobs.retry', jobId);
    await ctx.services.jobs.retry(jobId);
  },
});

const cancel = defineRoute(adminContract, 'POST /admin/jobs/{jobId}/cancel', {
  id: 'admin.jobs.cancel',
  access: 'operator',
  limit: writeLimit,
  errors: ['JOB_NOT_RUNNING'],
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { jobId } = context.params;
    const state = await findState(ctx, jobId);
    if (state !== 'running' && state !== 'waiting') throw adminErrors.JOB_NOT_RUNNING();
    await record(ctx, 'admin.jobs.cancel', jobId);
    await ctx.services.jobs.cancel(jobId);
  },
});

export const jobRoutes: readonly Route[] = [list, retry, cancel];
