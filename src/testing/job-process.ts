/** A process that runs one job workflow on the database it is told; tests kill it and start another. */
import { appendFileSync, existsSync } from 'node:fs';
import type { Services } from '#kernel/app';
import { loadConfig } from '#kernel/config';
import { openDatabase } from '#kernel/db';
import { createExecutorRegistry, createJobEngine, type Workflow } from '#kernel/jobs';
import { createLogger } from '#kernel/log';
import { migrationSources } from '../migration-sources.ts';

const [, , journalFile = '', releaseFile = '', jobId = ''] = process.argv;

const note = (line: string) => appendFileSync(journalFile, `${line}\n`);

/** Notes each step; the second waits until the release file exists, so that a test can kill the process inside it. */
const noted: Workflow<{ greeting: string }> = {
  name: 'test.noted.v1',
  title: 'Note each step',
  async execute(job, input) {
    const first = await job.step('first', async () => {
      note(`first ${input.greeting}`);
      return input.greeting.length;
    });
    await job.step('second', async () => {
      note('second started');
      while (!existsSync(releaseFile)) await new Promise((resolve) => setTimeout(resolve, 20));
      note(`second done ${first}`);
      return null;
    });
    await job.sleep(50);
    note('finished');
  },
};

const { config } = loadConfig(process.env);
const log = createLogger({ level: config.logLevel });
const db = await openDatabase({ config, log, migrations: migrationSources });
const registry = createExecutorRegistry({ db, log, role: 'all' });
await registry.register();
const engine = createJobEngine({
  db,
  log,
  registry,
  role: 'all',
  workflows: [noted as unknown as Workflow],
  services: () => ({}) as Services,
});
await engine.launch();
note(`ready ${engine.executorId}`);
if (jobId !== '') {
  await engine.start(noted, jobId, { greeting: 'hello' });
  await engine.start(noted, jobId, { greeting: 'hello' });
}
process.on('SIGTERM', () => void engine.drain(2_000).then(() => process.exit(0)));
