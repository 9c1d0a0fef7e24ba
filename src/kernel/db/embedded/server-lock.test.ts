import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeTestFolder } from '../../../testing/test-cluster.ts';
import { acquireServerLock, type ServerLock } from './server-lock.ts';

let folder: string;
beforeEach(() => void (folder = makeTestFolder()));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a killed holder leaves: the socket's name, with nobody behind it. */
function leaveStaleLock(): void {
  const path = join(folder, 'lock.7');
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', program]);
  expect(existsSync(path)).toBe(true);
}

test('[K10.1] the lock goes to one at a time and is free again after its release', async () => {
  const first = await acquireServerLock('/data', folder);
  await expect(acquireServerLock('/data', folder)).rejects.toThrow(`process ${process.pid} on `);
  await first.release();
  const second = await acquireServerLock('/data', folder);
  expect(readdirSync(folder)).toEqual(['lock.2']);
  await second.release();
});

test('[K10.1] a lock whose holder was killed is taken at once', async () => {
  leaveStaleLock();
  const lock = await acquireServerLock('/data', folder);
  await expect(acquireServerLock('/data', folder)).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
  await lock.release();
});

test('[K10.1] of many that find a stale lock together exactly one gets it, every time', async () => {
  for (let round = 0; round < 10; round++) {
    leaveStaleLock();
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => acquireServerLock('/data', folder)));
    const winners = outcomes.filter(
      (outcome): outcome is PromiseFulfilledResult<ServerLock> => outcome.status === 'fulfilled',
    );
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ALREADY_RUNNING' });
    await winners[0]?.value.release();
    expect(readdirSync(folder)).toEqual(['lock.8']);
    rmSync(join(folder, 'lock.8'));
  }
});
