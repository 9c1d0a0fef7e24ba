/** The figures `npm test` prints are true: nothing that broke is counted as passed or forgotten. */
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addCounts, countReport, filesToTryAgain, formatCounts, readReport, replaceFiles } from './count-results.ts';
import { exchange, missingServices } from './probe-services.ts';
import { reportVariable } from './report-results.ts';

const passing = { files: [{ file: 'a.test.ts', passed: 3, failed: [] }], unhandledErrors: 0 };
const failing = (file: string, passed = 1) => ({ file, passed, failed: ['a guarantee'] });

test('[Q2] a clean run counts its tests', () => {
  expect(countReport(passing, 0)).toEqual({ passed: 3, failed: 0 });
});

test('[Q2] an unhandled error outside any test, or an exit code that no test explains, counts as a failure', () => {
  expect(countReport({ ...passing, unhandledErrors: 1 }, 0)).toEqual({ passed: 3, failed: 1 });
  expect(countReport(passing, 1)).toEqual({ passed: 3, failed: 1 });
});

test('[Q2] a run without a report counts as a failure', () => {
  expect(countReport(readReport('/nowhere/report.json'), 0)).toEqual({ passed: 0, failed: 1 });
});

test('[Q2] few failed files are tried again, many are not, and none beside an error outside every test', () => {
  const few = { files: [...passing.files, failing('b.test.ts')], unhandledErrors: 0 };
  expect(filesToTryAgain(few).map(({ file }) => file)).toEqual(['b.test.ts']);
  const many = { ...few, files: ['b', 'c', 'd', 'e'].map((name) => failing(`${name}.test.ts`)) };
  expect(filesToTryAgain(many)).toEqual([]);
  expect(filesToTryAgain({ ...few, unhandledErrors: 1 })).toEqual([]);
  expect(filesToTryAgain(null)).toEqual([]);
});

test('[Q2] the second try of a file counts instead of its first, and a failure there stays one', () => {
  const first = { files: [...passing.files, failing('b.test.ts')], unhandledErrors: 0 };
  const second = { files: [{ file: 'b.test.ts', passed: 2, failed: [] }], unhandledErrors: 0 };
  expect(countReport(replaceFiles(first, second), 0)).toEqual({ passed: 5, failed: 0 });
  const again = { files: [failing('b.test.ts')], unhandledErrors: 0 };
  expect(countReport(replaceFiles(first, again), 1)).toEqual({ passed: 4, failed: 1 });
});

test('[Q2] what Vitest says of a folder of tests is reported as it is: passed, failed, and files that do not load', async () => {
  await using folder = await mkdtempDisposable(join(import.meta.dirname, '.vitest-'));
  await writeFile(
    join(folder.path, 'mixed.test.ts'),
    `import { join } from 'node:path';
import { expect, test } from 'vitest';
     test('holds', () => expect(1).toBe(1));
     test('breaks', () => expect(1).toBe(2));`,
  );
  await writeFile(join(folder.path, 'unloadable.test.ts'), `import './nothing-there.ts';`);
  const path = join(folder.path, 'report.json');
  const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
  const reporter = join(import.meta.dirname, 'report-results.ts');
  const run = spawnSync(process.execPath, [vitest, 'run', '--root', folder.path, `--reporter=${reporter}`], {
    env: { ...process.env, [reportVariable]: path },
  });
  const report = readReport(path);
  expect(report?.files.toSorted((a, b) => a.file.localeCompare(b.file))).toEqual([
    { file: 'mixed.test.ts', passed: 1, failed: ['breaks'] },
    { file: 'unloadable.test.ts', passed: 0, failed: ['the file itself'] },
  ]);
  expect(countReport(report, run.status ?? 1)).toEqual({ passed: 1, failed: 2 });
});

test('[Q2] the last line adds up all runs', () => {
  expect(
    formatCounts(
      addCounts([
        { passed: 3, failed: 0 },
        { passed: 4, failed: 2 },
      ]),
    ),
  ).toBe('7 passed, 2 failed');
});

test('[Q2] a service that CI requires and that is missing is named', () => {
  const services = { postgres: 'postgres://x', redis: null, chromium: null };
  expect(missingServices('postgres, redis,chromium', services)).toEqual(['redis', 'chromium']);
  expect(missingServices(undefined, services)).toEqual([]);
  expect(missingServices('rabbit', services)).toEqual(['rabbit']);
});

test('[Q2] a service is found by its answer, and a closed port is no service', async () => {
  await using server = createServer((socket) => socket.once('data', () => socket.end('+PONG\r\n')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await exchange(port, Buffer.from('PING\r\n'))).toBe('+PONG\r\n');
  server.close();
  expect(await exchange(port, Buffer.from('PING\r\n'))).toBe(null);
});
