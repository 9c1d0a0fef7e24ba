/** withLock lets one launcher at a time change node_modules and .build; a lock whose holder died is taken over. */
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMilliseconds = 200;
/** A holder touches its lock this often; */
const touchMilliseconds = 1_000;
/** one that stays untouched for so many looks, half a minute, belongs to nobody, whoever may have its holder's process id by now. */
const looksUntilStale = 150;

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
 * readTouched says when the lock was last touched, or 0 when it is gone.
 * @param {string} path
 */
function readTouched(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * takeLock waits until the lock is ours. A process id alone does not say that its holder lives: after a power cut, or in
 * a container started again, it may be another's, or our own.
 * @param {string} path
 * @param {number} patience
 */
async function takeLock(path, patience) {
  let touchedAt = 0;
  let looks = 0;
  for (let waits = 0; !tryLock(path); waits += 1) {
    if (waits === 5) console.error('Waiting for another start of this checkout to finish installing or building…');
    const touched = readTouched(path);
    looks = touched === touchedAt ? looks + 1 : 0;
    touchedAt = touched;
    if (looks >= patience) rmSync(path, { force: true });
    await delay(pollMilliseconds);
  }
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody removed the folder of builds: then there is nothing left to hold.
  }
}

/**
 * withLock runs `work` while holding `.build/launcher.lock`.
 * @template T
 * @param {string} root
 * @param {() => Promise<T>} work
 * @param {number} [patience] looks at an untouched lock until it is taken over
 * @returns {Promise<T>}
 */
export async function withLock(root, work, patience = looksUntilStale) {
  const path = join(root, '.build', 'launcher.lock');
  mkdirSync(join(root, '.build'), { recursive: true });
  await takeLock(path, patience);
  const touching = setInterval(touch, touchMilliseconds, path);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    rmSync(path, { force: true });
  }
}
