import { expect, test } from 'vitest';
import { describeDatabase } from '#testing/database';
import { defaultClusterKind } from '#testing/test-cluster';
import { runKillLoop } from './kill-loop.ts';

/** The short form; `npm run prove` kills fifty times on each database and keeps the figures. */
test(`[K12.3] [K12.2] six SIGKILLs in mid-answer (${describeDatabase()}) lose, double and misorder nothing`, async () => {
  const report = await runKillLoop({ database: defaultClusterKind(), kills: 6 });
  expect(report.faults).toEqual([]);
  expect(report).toMatchObject({ lost: 0, duplicated: 0, unfinished: 0, wrongSequences: 0 });
  expect(report.accepted).toBeGreaterThan(0);
  expect(report.reconnects).toBeGreaterThan(0);
}, 300_000);
