/**
 * `npm test`: unit and integration tests on the embedded database, the same database tests on an external PostgreSQL
 * when one answers, and the browser tests when there is a Chromium. The last line is `N passed, N failed`.
 * Arguments that are no options select test files by part of their path, as in Vitest.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  addCounts,
  countReport,
  filesToTryAgain,
  formatCounts,
  readReport,
  replaceFiles,
  type Counts,
  type Report,
} from './testing/count-results.ts';
import { missingServices, probeServices, type Services } from './testing/probe-services.ts';
import { reportVariable } from './testing/report-results.ts';

const root = join(import.meta.dirname, '..');
const reports = join(root, '.build', 'test');
const runTimeoutMilliseconds = 25 * 60_000;

/** Aborted when we are asked to end: the run under way is stopped, and no other begins. */
const interruption = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());

interface Run {
  readonly name: string;
  readonly config: string;
  readonly files: readonly string[];
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

function listTestFiles(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.tsx?$/.test(name))
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .sort();
}

/** usesDatabase: a file that opens a test database or a test server runs again on the external PostgreSQL. */
function usesDatabase(file: string): boolean {
  const doors =
    /[#/]testing\/(agents-fixture|database|identity-server|model-gateway|server|test-cluster|whole-server)\b/;
  return doors.test(readFileSync(join(root, file), 'utf8'));
}

function planRuns(services: Services, args: readonly string[]): Run[] {
  const options = args.filter((arg) => arg.startsWith('-'));
  const filters = args.filter((arg) => !arg.startsWith('-'));
  const isSelected = (file: string) => filters.length === 0 || filters.some((filter) => file.includes(filter));
  const units = ['src', 'lint', 'scripts', 'bench', 'prove'].flatMap(listTestFiles).filter(isSelected);
  const browser = listTestFiles('e2e').filter(isSelected);
  // Coverage is measured once, over everything that runs on the embedded database.
  const plain = options.filter((option) => !option.startsWith('--coverage'));
  const runs: Run[] = [{ name: 'embedded', config: 'vitest.config.ts', files: units, options, environment: {} }];
  if (services.postgres) {
    const environment = { TEST_DATABASE: 'external', TEST_DATABASE_URL: services.postgres };
    const files = units.filter(usesDatabase);
    runs.push({ name: 'external', config: 'vitest.config.ts', files, options: plain, environment });
  }
  if (services.chromium) {
    const environment = { TEST_CHROMIUM: services.chromium };
    runs.push({ name: 'browser', config: 'vitest.e2e.config.ts', files: browser, options: plain, environment });
  }
  return runs.filter((run) => run.files.length > 0);
}

interface Outcome {
  /** Null when Vitest was killed or crashed before it could report. */
  readonly report: Report | null;
  readonly exitCode: number;
}

/** execute runs Vitest once; a run that hangs is killed with everything it started and counts as failed. */
function execute(run: Run): Promise<Outcome> {
  const report = join(reports, `${run.name}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = [
    `--reporter=${process.stdout.isTTY ? 'default' : 'dot'}`,
    `--reporter=${join(root, 'scripts', 'testing', 'report-results.ts')}`,
  ];
  console.log(`\n── ${run.name}: ${run.files.length} files`);
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [vitest, 'run', '--config', run.config, ...reporters, ...run.options, ...run.files],
      {
        cwd: root,
        env: {
          ...process.env,
          NODE_ENV: 'test',
          [reportVariable]: report,
          ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
          ...run.environment,
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
    const stop = () => child.kill('SIGTERM');
    interruption.signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(() => {
      console.error(`${run.name}: not finished after ${runTimeoutMilliseconds / 60_000} minutes, stopped.`);
      child.kill('SIGKILL');
    }, runTimeoutMilliseconds);
    child.once('exit', (code) => {
      clearTimeout(timer);
      interruption.signal.removeEventListener('abort', stop);
      resolve({ report: readReport(report), exitCode: code ?? 1 });
    });
  });
}

/**
 * executeSteadily gives few failed files a second try, each from its beginning: a machine that stood still for a moment
 * is no fault of the product. What passes only then is named, so that it is mended (docs/decisions/0021-second-try.md).
 */
async function executeSteadily(run: Run): Promise<Counts> {
  const first = await execute(run);
  const failed = filesToTryAgain(first.report);
  // With failed tests Vitest has not held the coverage against its threshold, and a part of the files cannot.
  const measuresCoverage = run.options.some((option) => option.startsWith('--coverage'));
  if (!first.report || failed.length === 0 || measuresCoverage || interruption.signal.aborted)
    return countReport(first.report, first.exitCode);
  const second = await execute({ ...run, name: `${run.name}-again`, files: failed.map(({ file }) => file) });
  if (!second.report) return countReport(first.report, first.exitCode);
  for (const { file } of second.report.files.filter((result) => result.failed.length === 0)) {
    console.log(`unsteady: ${file} passed only when it was tried again. At first failed:`);
    for (const test of failed.find((result) => result.file === file)?.failed ?? []) console.log(`  ${test}`);
  }
  return countReport(replaceFiles(first.report, second.report), second.exitCode);
}

async function main(args: readonly string[]): Promise<number> {
  const services = await probeServices(process.env);
  const missing = missingServices(process.env['BULKHEAD_TEST_REQUIRE'], services);
  for (const name of missing) console.error(`${name} is required by BULKHEAD_TEST_REQUIRE and was not found.`);
  if (!services.postgres) console.log('No PostgreSQL on 127.0.0.1:5432: tests run on the embedded database only.');
  if (!services.chromium) console.log('No Chromium found: browser tests are left out.');
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const runs = planRuns(services, args);
  const counts: Counts[] = [{ passed: 0, failed: missing.length }];
  if (runs.length === 0) {
    console.error('No test file matches.');
    counts.push({ passed: 0, failed: 1 });
  }
  for (const run of runs) {
    if (!interruption.signal.aborted) counts.push(await executeSteadily(run));
  }
  // What was left out by an interruption did not pass.
  if (interruption.signal.aborted) counts.push({ passed: 0, failed: 1 });
  const total = addCounts(counts);
  console.log(`\n${formatCounts(total)}`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
