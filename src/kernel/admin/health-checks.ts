/** What is looked at on the overview: each check says what it found and what to do, and one that fails or hangs harms no other. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Services } from '#kernel/app';
import { backupFolder } from '#kernel/db';
import type { HealthCheck } from './contract.ts';

type Finding = Omit<HealthCheck, 'name' | 'title'>;

interface Check {
  readonly name: string;
  readonly title: string;
  readonly look: (services: Services) => Promise<Finding>;
}

const checkMilliseconds = 4_000;
const hour = 3_600_000;

const ok = (detail: string): Finding => ({ state: 'ok', detail, advice: null });
const degraded = (detail: string, advice: string): Finding => ({ state: 'degraded', detail, advice });

/** inUnits writes a size such as `1.4 GB`, powers of 1000. */
function inUnits(bytes: number): string {
  const power = bytes < 1_000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1_000 ** power).toPrecision(3))} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

async function askSystem<Row>(services: Services, text: string): Promise<Row> {
  const [row] = await services.db.withSystem('health of the installation', (tx) => tx.query<Row>({ text }));
  if (!row) throw new Error('the database gave no figures');
  return row;
}

async function lookAtDatabase(services: Services): Promise<Finding> {
  const { total, waiting } = services.db.stats(); // before this overview asks for connections itself
  const { bytes, version } = await askSystem<{ version: string; bytes: string }>(
    services,
    `select current_setting('server_version') as version, pg_database_size(current_database())::text as bytes`,
  );
  const what = `${services.db.isEmbedded ? 'Embedded' : 'External'} PostgreSQL ${version}, ${inUnits(Number(bytes))}`;
  if (waiting === 0) return ok(what);
  const detail = `${what}; ${waiting} requests wait for one of ${total} connections`;
  return degraded(detail, 'If this lasts, raise DATABASE_POOL_SIZE or start another process.');
}

async function lookAtStorage(services: Services): Promise<Finding> {
  await services.storage.ping();
  const { bytes, files } = await askSystem<{ files: number; bytes: string }>(
    services,
    'select count(*)::int as files, coalesce(sum(size_bytes), 0)::text as bytes from kernel.objects',
  );
  return ok(`${files} ${files === 1 ? 'file' : 'files'}, ${inUnits(Number(bytes))}`);
}

async function lookAtLimits({ limits }: Services): Promise<Finding> {
  const stores = { memory: 'Counted in this process', redis: 'Counted in Redis', postgres: 'Counted in the database' };
  if (!limits.isDegraded) return ok(stores[limits.storeName]);
  return degraded(
    'The shared store is away, so this process counts by itself',
    'Limits hold for each process, not for all together. See whether the server behind REDIS_URL is up.',
  );
}

async function lookAtEventLoop(): Promise<Finding> {
  const wait = 50;
  const before = performance.now();
  await new Promise((resolve) => setTimeout(resolve, wait));
  const late = Math.max(0, Math.round(performance.now() - before - wait));
  if (late < 200) return ok(`${late} ms late just now`);
  return degraded(`${late} ms late just now`, 'This process has more to do than it can. Start another one beside it.');
}

async function lookAtMail(services: Services): Promise<Finding> {
  const { failed, late, waiting } = await askSystem<{ waiting: number; late: number; failed: number }>(
    services,
    `select (count(*) filter (where state = 'waiting'))::int as waiting,
       (count(*) filter (where state = 'waiting' and created_at < now() - interval '15 minutes'))::int as late,
       (count(*) filter (where state = 'failed' and finished_at > now() - interval '1 day'))::int as failed
     from kernel.mail_messages`,
  );
  if (!services.mail.isConfigured)
    return degraded(
      'No mail server: messages are kept in the outbox',
      'Set MAIL_SMTP_URL and MAIL_FROM to have them sent.',
    );
  const detail = `${waiting} waiting, ${failed} failed in the last day`;
  if (late === 0 && failed === 0) return ok(detail);
  return degraded(detail, 'The outbox says why, and sends a message again.');
}

async function lookAtPush(services: Services): Promise<Finding> {
  const { failed, late, waiting } = await askSystem<{ waiting: number; late: number; failed: number }>(
    services,
    `select (count(*) filter (where state = 'waiting'))::int as waiting,
       (count(*) filter (where state = 'waiting' and created_at < now() - interval '15 minutes'))::int as late,
       (count(*) filter (where state = 'failed' and finished_at > now() - interval '1 day'))::int as failed
     from kernel.push_deliveries`,
  );
  const detail = `${waiting} waiting, ${failed} failed in the last day`;
  if (late === 0) return ok(detail);
  return degraded(detail, 'See whether this server reaches the push services of browsers (outbound HTTPS).');
}

async function lookAtModels(services: Services): Promise<Finding> {
  const { calls, endpoints, failed } = await askSystem<{ calls: number; failed: number; endpoints: number }>(
    services,
    `select count(*)::int as calls, count(distinct connection_id)::int as endpoints,
       (count(*) filter (where outcome like 'MODEL_%'))::int as failed
     from kernel.model_calls where created_at > now() - interval '1 hour' and connection_id is not null`,
  );
  if (calls === 0) return ok('Not asked in the last hour');
  const detail = `${calls} ${calls === 1 ? 'call' : 'calls'} to ${endpoints} ${endpoints === 1 ? 'endpoint' : 'endpoints'} in the last hour, ${failed} failed`;
  if (failed * 10 <= calls) return ok(detail);
  return degraded(
    detail,
    'A provider may be down or a key used up. Each organisation sees why under Settings, Models.',
  );
}

async function lookAtJobs(services: Services): Promise<Finding> {
  if (!services.jobs.isReady)
    return {
      state: 'down',
      detail: 'The job engine has not started',
      advice: 'The log says why; it tries again by itself.',
    };
  const { failed, open } = await askSystem<{ failed: number; open: number }>(
    services,
    `select (count(*) filter (where status in ('PENDING', 'ENQUEUED')))::int as open,
       (count(*) filter (where status in ('ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')
         and updated_at > (extract(epoch from now()) - 86400) * 1000))::int as failed from dbos.workflow_status`,
  );
  const detail = `${open} under way, ${failed} failed in the last day`;
  return failed === 0 ? ok(detail) : degraded(detail, 'The page of jobs says why, and tries one again.');
}

/** lookAtBackup knows the backups that `bulkhead backup` wrote into its folder; of those made elsewhere nobody tells it. */
async function lookAtBackup({ config }: Services): Promise<Finding> {
  const folder = backupFolder(config);
  const names = await readdir(folder).catch(() => []);
  const times = await Promise.all(
    names
      .filter((name) => name.endsWith('.backup') && !name.startsWith('before-migration'))
      .map(async (name) => (await stat(join(folder, name))).mtimeMs),
  );
  const newest = Math.max(...times, 0);
  if (newest === 0) {
    const advice = 'Run "npm run bulkhead backup" once a day. Backups made by other means are not known here.';
    return { state: 'unknown', detail: 'No backup in the folder of backups', advice };
  }
  const hours = Math.floor((Date.now() - newest) / hour);
  const detail = hours < 1 ? 'The last one is less than an hour old' : `The last one is ${hours} hours old`;
  return hours <= 26
    ? ok(detail)
    : degraded(detail, 'Run "npm run bulkhead backup", and see why it did not run every day.');
}

async function lookAtErasures(services: Services): Promise<Finding> {
  const { due, stuck } = await askSystem<{ due: number; stuck: number }>(
    services,
    `select count(*)::int as due, (count(*) filter (where last_error is not null))::int as stuck from kernel.erasures`,
  );
  const detail =
    due === 0 ? 'Nobody is about to be deleted' : `${due} will be deleted when their time of grace is over`;
  if (stuck === 0) return ok(detail);
  return degraded(`${detail}; ${stuck} failed so far`, 'The log says why; it is tried again by itself.');
}

const checks: readonly Check[] = [
  { name: 'database', title: 'Database', look: lookAtDatabase },
  { name: 'storage', title: 'Files', look: lookAtStorage },
  { name: 'limits', title: 'Limits', look: lookAtLimits },
  { name: 'jobs', title: 'Background jobs', look: lookAtJobs },
  { name: 'event-loop', title: 'Event loop', look: lookAtEventLoop },
  { name: 'mail', title: 'Mail', look: lookAtMail },
  { name: 'push', title: 'Push messages', look: lookAtPush },
  { name: 'models', title: 'Model providers', look: lookAtModels },
  { name: 'backup', title: 'Backup', look: lookAtBackup },
  { name: 'erasures', title: 'Deletions', look: lookAtErasures },
];

async function runCheck({ look, name, title }: Check, services: Services): Promise<HealthCheck> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Finding>((resolve) => {
    const advice = 'It is overloaded or away. The log says more.';
    timer = setTimeout(() => resolve({ state: 'down', detail: 'No answer in time', advice }), checkMilliseconds);
  });
  const looking = look(services).catch((error: unknown): Finding => {
    services.log.warn({ err: error, check: name }, 'a check of the overview failed');
    return { state: 'down', detail: 'It could not be asked', advice: 'The log says why.' };
  });
  try {
    return { name, title, ...(await Promise.race([looking, deadline])) };
  } finally {
    clearTimeout(timer);
  }
}

/** checkHealth looks at everything at once. */
export function checkHealth(services: Services): Promise<HealthCheck[]> {
  return Promise.all(checks.map((check) => runCheck(check, services)));
}
