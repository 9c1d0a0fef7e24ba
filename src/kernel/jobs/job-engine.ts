/** The job engine runs named workflows on DBOS: steps that finished are never repeated, the dead's work is taken over. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Client, Pool } from 'pg';
import type { Services } from '#kernel/app';
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';
import { deadExecutorSql, type ExecutorRegistry } from './executor-registry.ts';
import type { JobContext, JobEngine, Workflow } from './types.ts';

type Dbos = (typeof import('@dbos-inc/dbos-sdk'))['DBOS'];
type Registered = (input: unknown) => Promise<unknown>;

interface JobEngineOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly registry: ExecutorRegistry;
  /** web processes hand work over, all and worker execute it. */
  readonly role: 'all' | 'web' | 'worker';
  readonly workflows: readonly Workflow[];
  /** The server's services, asked for when a workflow starts (they do not exist yet when the engine is made). */
  readonly services: () => Services;
}

/**
 * Pinned on purpose: DBOS otherwise hashes the code, and every upgrade would strand what is pending. A changed workflow
 * gets a new name instead (`agents.ingest.v2`).
 */
const applicationVersion = 'bulkhead-1';
const queueName = 'bulkhead';
const sweepEveryBeats = 3;
/** Longest pause between two tries to launch. */
const maxPauseMilliseconds = 10_000;

/** forwardLogs turns DBOS's chatter into debug lines of ours and keeps its warnings. */
function forwardLogs(log: Logger) {
  const text = (entry: unknown) => (entry instanceof Error ? entry.message : String(entry));
  return {
    info: (entry: unknown) => log.debug({ engine: 'dbos' }, text(entry)),
    debug: () => undefined,
    warn: (entry: unknown) => log.warn({ engine: 'dbos' }, text(entry)),
    error: (entry: unknown) => log.error({ engine: 'dbos' }, text(entry)),
  };
}

function makeContext(dbos: Dbos, services: Services): JobContext {
  return {
    workflowId: dbos.workflowID ?? '',
    services,
    step: (name, work) => dbos.runStep(work, { name }),
    sleep: (milliseconds) => dbos.sleepms(milliseconds),
  };
}

/** endedStates is SQL: states in which the engine does nothing more with a workflow by itself. */
export const endedStates = `('SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')`;
const jobsPerBatch = 500;

/** Runs work as if from nowhere: the engine refuses to start a workflow from inside a step of another. */
const outside = AsyncLocalStorage.snapshot();

/**
 * createJobEngine returns at once; `launch` loads DBOS (about 0.3 s) so that listening need not wait for it, and `start`
 * waits for the launch. DBOS is one per process: so is the engine.
 */
export function createJobEngine(options: JobEngineOptions): JobEngine {
  const { db, log, registry, role, workflows, services } = options;
  const registered = new Map<string, Registered>();
  let launching: Promise<Dbos> | undefined;
  let pool: Pool | undefined;
  let isLaunched = false;
  let isDraining = false;
  let beats = 0;

  /** DBOS.migrate prints to the console; this is what it calls, with a logger. */
  async function migrateEngine(): Promise<void> {
    const { getDbosSchemaPermissionsSql, migrateSystemDatabase } =
      await import('@dbos-inc/dbos-sdk/internal/system_database');
    const { GlobalLogger } = await import('@dbos-inc/dbos-sdk/internal/telemetry/logs');
    const quiet = new GlobalLogger(undefined, { logger: forwardLogs(log) });
    await migrateSystemDatabase(db.urls.owner, quiet, 'dbos');
    await runAsOwner(getDbosSchemaPermissionsSql('dbos', 'bulkhead_system'));
  }

  /** DBOS 5.3 would grant on a connection without an error listener: one that breaks then takes the whole process along. */
  async function runAsOwner(statements: readonly string[]): Promise<void> {
    const client = new Client({ connectionString: db.urls.owner });
    client.on('error', (error) => log.debug({ err: error }, 'the connection that prepares the job engine was lost'));
    try {
      await client.connect();
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end().catch(() => undefined); // it may be broken, and what was run stands
    }
  }

  /** One try, from nothing to ready; one that fails leaves nothing, so that another may follow. */
  async function launchOnce(): Promise<Dbos> {
    const { DBOS } = await import('@dbos-inc/dbos-sdk');
    try {
      await openEngine(DBOS);
    } catch (error) {
      await DBOS.shutdown({ deregister: true }).catch((cause: unknown) =>
        log.debug({ err: cause }, 'an engine that never ran did not end cleanly'),
      );
      await pool?.end();
      pool = undefined;
      throw error;
    }
    isLaunched = true;
    if (role !== 'web') registry.onBeat(() => recoverFromDead(DBOS));
    return DBOS;
  }

  async function openEngine(DBOS: Dbos): Promise<void> {
    await migrateEngine();
    for (const workflow of workflows as readonly Workflow<unknown>[]) {
      const execute = (input: unknown) => workflow.execute(makeContext(DBOS, services()), input);
      registered.set(workflow.name, DBOS.registerWorkflow(execute, { name: workflow.name }) as Registered);
    }
    // A pool of its own: LISTEN holds one connection, and a busy journal must not starve the engine.
    pool = new Pool({ connectionString: db.urls.system, max: 6, pipeline: true });
    pool.on('error', (error) => log.debug({ err: error }, 'an idle job connection was lost'));
    DBOS.setConfig({
      name: 'bulkhead',
      systemDatabaseUrl: db.urls.system,
      systemDatabasePool: pool,
      executorID: registry.id,
      applicationVersion,
      runMigrations: false,
      logger: forwardLogs(log),
      ...(role === 'web' ? { listenQueues: [] } : {}),
    });
    await DBOS.launch();
    await DBOS.registerQueue(queueName, { workerConcurrency: 4, minPollingIntervalMs: 200 });
  }

  async function recoverFromDead(dbos: Dbos): Promise<void> {
    beats += 1;
    if (beats % sweepEveryBeats !== 1) return;
    const dead = await db.withSystem('job recovery', (tx) =>
      tx.query<{ executor_id: string }>({
        name: 'jobs-of-the-dead',
        text: `select distinct w.executor_id from dbos.workflow_status w
               where w.status = 'PENDING' and w.executor_id <> $1 and ${deadExecutorSql('w.executor_id::uuid', db.isEmbedded)}`,
        values: [registry.id],
      }),
    );
    if (dead.length === 0) return;
    const { DBOSExecutor } = await import('@dbos-inc/dbos-sdk/internal/dbos-executor');
    const handles = await DBOSExecutor.globalInstance?.recoverPendingWorkflows(dead.map((row) => row.executor_id));
    log.info(
      { executors: dead.length, jobs: handles?.length ?? 0, engine: dbos.executorID },
      'took over jobs of dead executors',
    );
  }

  function launched(): Promise<Dbos> {
    launching ??= launchOnce().catch((error: unknown) => {
      launching = undefined;
      throw error;
    });
    return launching;
  }

  /** The database may be away just now: a server that answers must not stay without jobs for ever because of that. */
  async function launchUntilItWorks(): Promise<void> {
    for (let failures = 1; !isDraining; failures += 1) {
      try {
        await launched();
        return;
      } catch (error) {
        log.error({ err: error, failures }, 'the job engine did not start; it will be tried again');
        await new Promise((resolve) =>
          setTimeout(resolve, Math.min(maxPauseMilliseconds, 250 * 2 ** failures)).unref(),
        );
      }
    }
  }

  return {
    titles: new Map(workflows.map(({ name, title }) => [name, title])),
    executorId: registry.id,
    get isReady() {
      return isLaunched;
    },
    launch: launchUntilItWorks,
    async start(workflow, workflowId, input) {
      const dbos = await launched();
      const target = registered.get(workflow.name);
      if (!target) throw new Error(`workflow ${workflow.name} is not registered`);
      const place = { workflowID: workflowId, ...(role === 'web' ? { queueName } : {}) };
      await outside(() => dbos.startWorkflow(target, place)(input));
    },
    async forget(text) {
      const dbos = await launched();
      const rows = await db.withSystem('forget finished jobs', (tx) =>
        tx.query<{ workflow_uuid: string }>({
          text: `select s.workflow_uuid from dbos.workflow_status s
                 left join dbos.workflow_input i on i.workflow_uuid = s.workflow_uuid
                 where s.status in ${endedStates}
                   and (position($1 in s.workflow_uuid) > 0
                        or position($1 in coalesce(s.inputs, '') || coalesce(i.inputs, '')) > 0)`,
          values: [text],
        }),
      );
      if (rows.length > 0) await dbos.deleteWorkflows(rows.map((row) => row.workflow_uuid));
      return rows.length;
    },
    async prune(before) {
      const dbos = await launched();
      for (let pruned = 0; ;) {
        const rows = await db.withSystem('delete old jobs', (tx) =>
          tx.query<{ workflow_uuid: string }>({
            text: `select workflow_uuid from dbos.workflow_status
                   where status in ${endedStates} and updated_at < $1 order by updated_at limit $2`,
            values: [before.getTime(), jobsPerBatch],
          }),
        );
        if (rows.length > 0) await dbos.deleteWorkflows(rows.map((row) => row.workflow_uuid));
        pruned += rows.length;
        if (rows.length < jobsPerBatch) return pruned;
      }
    },
    async retry(workflowId) {
      const dbos = await launched();
      const steps = (await dbos.listWorkflowSteps(workflowId)) ?? [];
      const failed = steps.findLast((step) => step.error !== null);
      const status = await dbos.getWorkflowStatus(workflowId);
      if (status?.status !== 'ERROR') await dbos.resumeWorkflow(workflowId, { queueName });
      else await dbos.rewindWorkflow(workflowId, { startStep: failed?.functionID ?? steps.length, queueName });
    },
    async cancel(workflowId) {
      const dbos = await launched();
      await dbos.cancelWorkflow(workflowId);
    },
    async drain(deadlineMilliseconds) {
      isDraining = true;
      const dbos = await launching?.catch(() => undefined);
      if (!dbos) return;
      await dbos.shutdown({ deregister: true, workflowCompletionTimeoutMS: deadlineMilliseconds });
      await pool?.end();
    },
  };
}
