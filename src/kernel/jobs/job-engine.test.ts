import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '#testing/database';

const script = fileURLToPath(new URL('../../testing/job-process.ts', import.meta.url));

let database: TestDatabase;
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-jobs-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database[Symbol.asyncDispose]();
});

function startProcess(journal: string, release: string, jobId = ''): ChildProcess {
  const child = spawn(process.execPath, [script, journal, release, jobId], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database.url,
      MASTER_KEY: database.config.masterKey,
      AUTH_SECRET: database.config.authSecret,
      DATA_DIR: folder,
      LOG_LEVEL: 'silent',
    },
  });
  children.add(child);
  return child;
}

const lines = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
const soon = { timeout: 25_000, interval: 50 };

test('[K12.3] a job killed in its second step is taken over; the finished first step is not repeated', async () => {
  const journal = join(folder, 'killed.txt');
  const release = join(folder, 'killed.go');
  const first = startProcess(journal, release, newId());
  await expect.poll(() => lines(journal), soon).toContain('second started');
  first.kill('SIGKILL');
  startProcess(journal, release);
  await expect.poll(() => lines(journal).filter((line) => line === 'second started').length, soon).toBe(2);
  writeFileSync(release, '');
  await expect.poll(() => lines(journal), soon).toContain('finished');
  expect(lines(journal).filter((line) => line.startsWith('first'))).toEqual(['first hello']);
  expect(lines(journal).filter((line) => line === 'second done 5')).toHaveLength(1);
});

test('[K12.3] the same job started twice runs once', async () => {
  const journal = join(folder, 'twice.txt');
  const release = join(folder, 'twice.go');
  writeFileSync(release, '');
  startProcess(journal, release, newId());
  await expect.poll(() => lines(journal), soon).toContain('finished');
  expect(lines(journal).filter((line) => line.startsWith('first'))).toHaveLength(1);
});
