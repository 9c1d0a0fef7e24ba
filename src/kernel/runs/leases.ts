/** Leases: which executor holds which run. A claim raises the attempt, and with it fences off whoever held it before. */
import { deadExecutorSql } from '#kernel/jobs';
import type { Database, Tx } from '#kernel/db';
import type { ClaimedRun } from './execute-run.ts';

interface ClaimRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly key_id: string | null;
  readonly scopes: readonly string[] | null;
  readonly workflow: string;
  readonly input: unknown;
  readonly attempt: number;
  readonly is_cancel_requested: boolean;
}

const claimed = `returning id, tenant_id, owner_id, key_id, scopes, workflow, input, attempt, cancel_requested_at is not null as is_cancel_requested`;

function toClaim(row: ClaimRow): ClaimedRun {
  return {
    runId: row.id,
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    keyId: row.key_id,
    scopes: row.scopes,
    role: null,
    workflow: row.workflow,
    input: row.input,
    attempt: row.attempt,
    isCancelRequested: row.is_cancel_requested,
  };
}

export interface Leases {
  /** Claims up to `max` runs that nobody executes: queued ones, the dead's, and own ones that were never started. */
  claim(activeHere: readonly string[], max: number): Promise<ClaimedRun[]>;
  /** Claims a run this executor holds already once more, for a new attempt; null when it has lost or ended it. */
  reclaim(run: ClaimedRun): Promise<ClaimedRun | null>;
  /** Puts the runs this executor holds back into the queue, for others to take at once. */
  releaseAll(): Promise<number>;
  /** Which of these runs were asked to stop. */
  findCancelled(activeHere: readonly string[]): Promise<string[]>;
  /** Deletes journal and steps of runs that ended long ago, a batch at a time; returns how many. */
  prune(olderThanHours: number): Promise<number>;
}

/** createLeases makes the lease keeper of one executor. */
export function createLeases(db: Database, executorId: string): Leases {
  const system = <Row>(reason: string, work: (tx: Tx) => Promise<Row[]>) => db.withSystem(reason, work);
  return {
    async claim(activeHere, max) {
      const rows = await system('run sweep', (tx) =>
        tx.query<ClaimRow>({
          name: 'claim-runs',
          text: `update kernel.runs set state = 'running', executor_id = $1, attempt = attempt + 1
                 where id in (
                   select c.id from kernel.runs c
                   where c.state = 'queued'
                      or (c.state = 'running' and c.executor_id = $1 and not c.id = any($2::uuid[]))
                      or (c.state = 'running' and c.executor_id <> $1 and ${deadExecutorSql('c.executor_id', db.isEmbedded)})
                   order by c.created_at limit $3 for update skip locked)
                 ${claimed}`,
          values: [executorId, activeHere, max],
        }),
      );
      return rows.map(toClaim);
    },
    async reclaim(run) {
      const rows = await system('run retry', (tx) =>
        tx.query<ClaimRow>({
          text: `update kernel.runs set attempt = attempt + 1
                 where id = $1 and executor_id = $2 and attempt = $3 and state = 'running' ${claimed}`,
          values: [run.runId, executorId, run.attempt],
        }),
      );
      return rows[0] ? toClaim(rows[0]) : null;
    },
    async releaseAll() {
      const rows = await system('run release', (tx) =>
        tx.query({
          text: `update kernel.runs set state = 'queued', executor_id = null
                 where executor_id = $1 and state = 'running' returning pg_notify('bulkhead_runs', 'queued')`,
          values: [executorId],
        }),
      );
      return rows.length;
    },
    async findCancelled(activeHere) {
      const rows = await system('run stops', (tx) =>
        tx.query<{ id: string }>({
          name: 'cancelled-runs',
          text: `select id from kernel.runs
                 where id = any($1::uuid[]) and state = 'running' and cancel_requested_at is not null`,
          values: [activeHere],
        }),
      );
      return rows.map((row) => row.id);
    },
    async prune(olderThanHours) {
      const rows = await system('run pruning', async (tx) => {
        const old = await tx.query<{ id: string }>({
          text: `update kernel.runs set journal_pruned_at = now()
                 where id in (select id from kernel.runs
                   where finished_at < now() - make_interval(hours => $1) and journal_pruned_at is null limit 500)
                 returning id`,
          values: [olderThanHours],
        });
        const ids = old.map((row) => row.id);
        await tx.query({ text: 'delete from kernel.run_events where run_id = any($1::uuid[])', values: [ids] });
        await tx.query({ text: 'delete from kernel.run_steps where run_id = any($1::uuid[])', values: [ids] });
        return old;
      });
      return rows.length;
    },
  };
}
