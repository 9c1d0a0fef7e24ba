/** The figures `npm test` prints are true: nothing that broke is counted as passed or forgotten. */
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { addCounts, countReport, formatCounts, readCounts } from './count-results.ts';
import { exchange, missingServices } from './probe-services.ts';

const passing = {
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  testResults: [{ status: 'passed', assertionResults: [1, 2, 3] }],
};

test('[Q2] a clean run counts its tests', () => {
  expect(countReport(passing, 0)).toEqual({ passed: 3, failed: 0 });
});

test('[Q2] a test file that cannot be loaded counts as a failure', () => {
  const report = {
    ...passing,
    success: false,
    testResults: [...passing.testResults, { status: 'failed', assertionResults: [] }],
  };
  expect(countReport(report, 1)).toEqual({ passed: 3, failed: 1 });
});

test('[Q2] an unhandled error outside any test counts as a failure', () => {
  expect(countReport(passing, 1)).toEqual({ passed: 3, failed: 1 });
});

test('[Q2] a run without a report counts as a failure', () => {
  expect(readCounts('/nowhere/report.json', 0)).toEqual({ passed: 0, failed: 1 });
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
