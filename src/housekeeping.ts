/** Once a minute what crashes and time leave behind is tidied up; every task may run on several processes at once. */
import type { AppDefinition, Services } from '#kernel/app';
import { sweepSessions } from '#kernel/auth';
import { createIdempotency } from '#kernel/idempotency';

interface Task {
  readonly name: string;
  readonly everyMinutes: number;
  readonly run: () => Promise<unknown>;
}

const minuteMilliseconds = 60_000;

/** startHousekeeping runs the tasks of the kernel and the apps until the returned function is called, which waits for the last. */
export function startHousekeeping(services: Services, apps: readonly AppDefinition[]): () => Promise<void> {
  const tasks = listTasks(services, apps);
  let minutes = 0;
  let running: Promise<unknown> = Promise.resolve();
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

function listTasks(services: Services, apps: readonly AppDefinition[]): Task[] {
  const { config, db, storage } = services;
  const idempotency = createIdempotency({ db });
  return [
    ...apps.flatMap(({ id, sweep }) =>
      sweep ? [{ name: `${id}.sweep`, everyMinutes: 1, run: () => sweep(services) }] : [],
    ),
    { name: 'storage.sweep', everyMinutes: 60, run: () => storage.sweep() },
    { name: 'idempotency.prune', everyMinutes: 10, run: () => idempotency.prune() },
    {
      name: 'auth.sessions.sweep',
      everyMinutes: 60,
      run: () => sweepSessions(db, new Date(), config.sessionIdleHours),
    },
  ];
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
