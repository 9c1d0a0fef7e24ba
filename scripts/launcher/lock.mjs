/** withLock lets one launcher at a time change node_modules and .build; a lock whose holder died is taken over. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMilliseconds = 200;

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * tryLock creates the lock file, which only one process can; or removes one that a dead process left.
 * @param {string} path
 */
function tryLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  try {
    const holder = Number(readFileSync(path, 'utf8'));
    // An empty file is one just being written: its holder is alive.
    if (holder > 0 && !isAlive(holder)) rmSync(path, { force: true });
  } catch {
    // The holder finished between the two calls: try again.
  }
  return false;
}

/**
 * withLock runs `work` while holding `.build/launcher.lock`.
 * @template T
 * @param {string} root
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(root, work) {
  const path = join(root, '.build', 'launcher.lock');
  mkdirSync(join(root, '.build'), { recursive: true });
  for (let waits = 0; !tryLock(path); waits += 1) {
    if (waits === 5) console.error('Waiting for another start of this checkout to finish installing or building…');
    await delay(pollMilliseconds);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
