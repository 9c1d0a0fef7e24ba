/** Once a minute what crashes and time leave behind is tidied up; every task may run on several processes at once. */
import type { AppDefinition, Services } from '#kernel/app';
import { sweepSupportGrants } from '#kernel/admin';
import { sweepMailProofs, sweepSecondSteps, sweepSessions } from '#kernel/auth';
import { createIdempotency } from '#kernel/idempotency';
import { sweepInvitations } from '#kernel/tenancy';

interface Task {
  readonly name: string;
  readonly everyMinutes: number;
  readonly run: () => Promise<unknown>;
}

const minuteMilliseconds = 60_000;
/** What became of background work can be looked at for a month; its input, which may name people, goes with it. */
const jobKeepMilliseconds = 30 * 24 * 60 * minuteMilliseconds;

/** startHousekeeping runs the tasks of the kernel and the apps until the returned function is called, which waits for the last. */
export function startHousekeeping(services: Services, apps: readonly AppDefinition[]): () => Promise<void> {
  const tasks = listTasks(services, apps);
  let minutes = 0;
  let running: Promise<unknown> = runAll([atStart(services)], services);
  const timer = setInterval(() => {
    const due = tasks.filter((task) => minutes % task.everyMinutes === 0);
    minutes += 1;
    running = running.then(() => runAll(due, services));
  }, minuteMilliseconds);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** A backup may have been restored since: who had been erased is erased again before anything else is done. */
function atStart(services: Services): Task {
  const { rights } = services;
  const run = async () => {
    if ((await rights.reapplyErasures(services)) > 0) await rights.erase(services);
  };
  return { name: 'privacy.reapply-erasures', everyMinutes: 0, run };
}

function listTasks(services: Services, apps: readonly AppDefinition[]): Task[] {
  const { config, credits, db, images, jobs, mail, notifications, push, storage } = services;
  const idempotency = createIdempotency({ db });
  return [
    ...apps.flatMap(({ id, sweep }) =>
      sweep ? [{ name: `${id}.sweep`, everyMinutes: 1, run: () => sweep(services) }] : [],
    ),
    { name: 'images.sweep', everyMinutes: 10, run: () => images.sweep() },
    { name: 'credits.sweep', everyMinutes: 1, run: () => credits.sweep().then(() => credits.alert()) },
    { name: 'storage.sweep', everyMinutes: 60, run: () => storage.sweep() },
    { name: 'mail.prune', everyMinutes: 60, run: () => mail.prune() },
    { name: 'push.prune', everyMinutes: 60, run: () => push.prune() },
    { name: 'notifications.prune', everyMinutes: 60, run: () => notifications.prune() },
    { name: 'audit.prune', everyMinutes: 24 * 60, run: () => pruneAudit(services) },
    { name: 'idempotency.prune', everyMinutes: 10, run: () => idempotency.prune() },
    { name: 'organisation.invitations.sweep', everyMinutes: 60, run: () => sweepInvitations(db, new Date()) },
    { name: 'jobs.prune', everyMinutes: 60, run: () => jobs.prune(new Date(Date.now() - jobKeepMilliseconds)) },
    { name: 'privacy.erase', everyMinutes: 1, run: () => services.rights.erase(services) },
    { name: 'privacy.sweep', everyMinutes: 5, run: () => services.rights.sweep(services) },
    { name: 'support.sweep', everyMinutes: 1, run: () => sweepSupportGrants(services) },
    { name: 'auth.mail-proofs.sweep', everyMinutes: 60, run: () => sweepMailProofs(db, new Date()) },
    { name: 'auth.second-steps.sweep', everyMinutes: 60, run: () => sweepSecondSteps(db, new Date()) },
    {
      name: 'auth.sessions.sweep',
      everyMinutes: 60,
      run: () => sweepSessions(db, new Date(), config.sessionIdleHours),
    },
  ];
}

/** pruneAudit keeps AUDIT_KEEP_DAYS; a broken trail is evidence, so it stays and is told of. */
async function pruneAudit({ audit, config, log }: Services): Promise<void> {
  if (config.auditKeepDays === undefined) return;
  const before = new Date(Date.now() - config.auditKeepDays * 24 * 60 * minuteMilliseconds);
  for await (const { tenantId, isBroken } of audit.prune(before)) {
    if (isBroken) log.error({ tenantId }, 'an audit trail is broken; nothing of it is removed');
  }
}

/** runAll runs one after the other: tidying up must not crowd out requests. */
async function runAll(tasks: readonly Task[], { log }: Services): Promise<void> {
  for (const { name, run } of tasks) {
    try {
      await run();
    } catch (error) {
      log.warn({ err: error, task: name }, 'housekeeping failed; it is tried again');
    }
  }
}
