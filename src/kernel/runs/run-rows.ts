/** The rows of runs as their owner may write and see them, in the caller's transaction. */
import type { Principal } from '#kernel/auth';
import type { TenantScope, Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { newId } from '#kernel/ids';
import { runErrors } from './errors.ts';
import type { ClaimedRun } from './execute-run.ts';
import type { NewRun, RunSummary } from './types.ts';

/** NOTIFY channel of runs: `queued`, `flushed` and `cancel:<run id>`. */
export const channel = 'bulkhead_runs';

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

const insertSql = `
  insert into kernel.runs
    (id, tenant_id, owner_id, workflow, subject, exclusive_key, input, state, attempt, executor_id, key_id, scopes)
  values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11, $12)
  on conflict (tenant_id, exclusive_key) where state in ('queued', 'running') do nothing
  returning id`;

/** keyOf is the API key behind a caller, also one that acts through a run. */
export function keyOf({ via }: Pick<Principal, 'via'>): string | null {
  return via.kind === 'key' || via.kind === 'run' ? (via.keyId ?? null) : null;
}

/**
 * insertRun writes an accepted run. With an executor it is written as running there at once: no claim, no queue, nothing
 * between accepting and starting; without, workers are told that it waits. Throws RUN_ALREADY_ACTIVE.
 */
export async function insertRun(tx: Tx, run: NewRun, executorId: string | null): Promise<ClaimedRun> {
  const { scope } = tx;
  const { caller, workflow, subject, exclusiveKey, input } = run;
  const { tenantId, userId, role } = caller;
  if (scope?.userId !== userId || scope.tenantId !== tenantId)
    throw new Error('a run is accepted on behalf of the person whose transaction it is');
  const keyId = keyOf(caller);
  const scopes = caller.scopes ?? null;
  const runId = newId();
  const attempt = executorId === null ? 0 : 1;
  const state = executorId === null ? 'queued' : 'running';
  const inputJson = JSON.stringify(input);
  const about = [runId, tenantId, userId, workflow, subject, exclusiveKey, inputJson];
  const values = [...about, state, attempt, executorId, keyId, scopes];
  const rows = await tx.query({ name: 'accept-run', text: insertSql, values });
  if (rows.length === 0) throw runErrors.RUN_ALREADY_ACTIVE();
  if (executorId === null) await tx.query({ text: `select pg_notify('${channel}', 'queued')` });
  const owned = { runId, tenantId, ownerId: userId, keyId, scopes, role };
  return { ...owned, workflow, input, attempt, isCancelRequested: false };
}

/** requestCancel notes the wish to stop and tells the executor; returns whether the run was active. 404 for strangers. */
export async function requestCancel(tx: Tx, scope: TenantScope, runId: string): Promise<boolean> {
  const [row] = await tx.query<{ is_active: boolean }>({
    text: `update kernel.runs set cancel_requested_at = case when state in ('queued', 'running')
             then coalesce(cancel_requested_at, now()) else cancel_requested_at end
           where tenant_id = $1 and id = $2
           returning state in ('queued', 'running') as is_active, pg_notify('${channel}', 'cancel:' || id)`,
    values: [scope.tenantId, runId],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row.is_active;
}

/** findRun returns a run of the scope, or null. */
export async function findRun(tx: Tx, scope: TenantScope, runId: string): Promise<RunSummary | null> {
  const [row] = await tx.query<SummaryRow>({
    name: 'run-summary',
    text: `select ${summaryColumns} from kernel.runs where tenant_id = $1 and id = $2`,
    values: [scope.tenantId, runId],
  });
  return row ? toSummary(row) : null;
}

/** findActiveRun returns the queued or running run with this exclusive key, or null. */
export async function findActiveRun(tx: Tx, exclusiveKey: string): Promise<RunSummary | null> {
  const [row] = await tx.query<SummaryRow>({
    name: 'run-active',
    text: `select ${summaryColumns} from kernel.runs
           where tenant_id = $1 and exclusive_key = $2 and state in ('queued', 'running')`,
    values: [tx.scope?.tenantId, exclusiveKey],
  });
  return row ? toSummary(row) : null;
}

/** findReach returns what started a run of the scope and by which code it executes, or null. */
export async function findReach(
  tx: Tx,
  { tenantId }: TenantScope,
  runId: string,
): Promise<{ readonly workflow: string; readonly key_id: string | null } | null> {
  const [row] = await tx.query<{ workflow: string; key_id: string | null }>({
    name: 'run-reach',
    text: 'select workflow, key_id from kernel.runs where tenant_id = $1 and id = $2',
    values: [tenantId, runId],
  });
  return row ?? null;
}
