/** One server per data folder: the lock is a listening socket, so it ends with its process, however that ends. */
import { linkSync, renameSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseStartError, errorCode } from '../errors.ts';

/** LockHolder is what a holder says of itself to whoever knocks. */
interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface ServerLock {
  release(): Promise<void>;
}

function listen(path: string, holder: LockHolder): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(JSON.stringify(holder));
    });
    server.once('error', reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

/** knock returns who holds the lock, `unknown` when the holder lives but is too busy to answer, null when nobody does. */
function knock(path: string): Promise<LockHolder | 'unknown' | null> {
  return new Promise((resolve) => {
    let text = '';
    let isConnected = false;
    const socket = connect(path);
    socket.setEncoding('utf8').setTimeout(1_000);
    const finish = (): void => {
      socket.destroy();
      if (!isConnected) return resolve(null);
      try {
        resolve(JSON.parse(text) as LockHolder);
      } catch {
        resolve('unknown');
      }
    };
    socket.on('connect', () => (isConnected = true));
    socket.on('data', (chunk) => (text += chunk));
    socket.on('timeout', finish);
    socket.on('error', finish);
    socket.on('end', finish);
  });
}

function refuse(root: string, holder: LockHolder | 'unknown'): DatabaseStartError {
  const who =
    holder === 'unknown'
      ? 'a server that is running but does not answer'
      : `process ${holder.pid} on ${holder.host}, running since ${holder.since}`;
  return new DatabaseStartError('ALREADY_RUNNING', `The data folder ${root} is in use by ${who}. Stop it first, or set DATA_DIR to another folder.`);
}

/**
 * acquireServerLock takes the lock of a data folder or throws ALREADY_RUNNING naming the holder. The socket listens under
 * a temporary name before it is linked to the lock's name, so whoever sees the lock can always connect to a live holder.
 */
export async function acquireServerLock(root: string, socketDir: string): Promise<ServerLock> {
  const path = join(socketDir, 'lock');
  const own = join(socketDir, `l${process.pid.toString(36)}${Math.floor(performance.now()).toString(36)}`);
  const server = await listen(own, { pid: process.pid, host: hostname(), since: new Date().toISOString() });
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      try {
        linkSync(own, path);
        unlinkSync(own);
        return { release: () => releaseLock(server, path) };
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
      await clearStale(root, path, `${own}s`);
    }
    throw refuse(root, 'unknown');
  } catch (error) {
    await new Promise((resolve) => server.close(resolve));
    throw error;
  }
}

/** clearStale moves a dead lock away; a live one, even one taken in this very moment, is put back and respected. */
async function clearStale(root: string, path: string, aside: string): Promise<void> {
  const holder = await knock(path);
  if (holder) throw refuse(root, holder);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await knock(aside);
  if (moved) linkSync(aside, path);
  unlinkSync(aside);
  if (moved) throw refuse(root, moved);
}

function releaseLock(server: Server, path: string): Promise<void> {
  try {
    unlinkSync(path);
  } catch {
    // Already gone with its folder.
  }
  return new Promise((resolve) => server.close(() => resolve()));
}
