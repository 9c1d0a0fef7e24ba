/** One server per data folder: the lock is a listening socket, so it ends with its process, however that ends. */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
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
    const finish = (error?: Error): void => {
      socket.destroy();
      // Only these two mean that nobody is there; a full backlog, say, means somebody who is busy.
      if (!isConnected && ['ECONNREFUSED', 'ENOENT'].includes(errorCode(error))) return resolve(null);
      try {
        resolve(JSON.parse(text) as LockHolder);
      } catch {
        resolve('unknown');
      }
    };
    socket.on('connect', () => (isConnected = true));
    socket.on('data', (chunk) => (text += chunk));
    socket.on('timeout', () => finish());
    socket.on('error', finish);
    socket.on('end', () => finish());
  });
}

function refuse(root: string, holder: LockHolder | 'unknown'): DatabaseStartError {
  const who =
    holder === 'unknown'
      ? 'a server that is running but does not answer'
      : `process ${holder.pid} on ${holder.host}, running since ${holder.since}`;
  return new DatabaseStartError(
    'ALREADY_RUNNING',
    `The data folder ${root} is in use by ${who}. Stop it first, or set DATA_DIR to another folder.`,
  );
}

/** lockNumbers returns the numbers of the locks in the folder, dead and alive, in rising order. */
function lockNumbers(socketDir: string): number[] {
  return readdirSync(socketDir)
    .flatMap((name) => /^lock\.(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * takeNext tries for the number after the highest. Numbers only rise, and a link is made by one process alone: of many
 * that find the highest lock dead, one gets the next number. Somebody slow may still link a number that was cleared away
 * since, but then sees a higher one and withdraws.
 */
function takeNext(socketDir: string, own: string, highest: number): boolean {
  const mine = highest + 1;
  const path = join(socketDir, `lock.${mine}`);
  try {
    linkSync(own, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  }
  if ((lockNumbers(socketDir).at(-1) ?? 0) > mine) {
    rmSync(path, { force: true });
    return false;
  }
  for (const lower of lockNumbers(socketDir))
    if (lower < mine) rmSync(join(socketDir, `lock.${lower}`), { force: true });
  return true;
}

/**
 * acquireServerLock takes the lock of a data folder or throws ALREADY_RUNNING naming the holder. The socket listens under
 * a temporary name before it is linked to the lock's, so whoever sees a lock of a live process can connect to it. A
 * released lock stays as a dead name; that keeps the numbers rising.
 */
export async function acquireServerLock(root: string, socketDir: string): Promise<ServerLock> {
  const own = join(socketDir, `l${randomBytes(6).toString('hex')}`);
  const server = await listen(own, { pid: process.pid, host: hostname(), since: new Date().toISOString() });
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  try {
    for (;;) {
      const highest = lockNumbers(socketDir).at(-1) ?? 0;
      const holder = highest === 0 ? null : await knock(join(socketDir, `lock.${highest}`));
      if (holder) throw refuse(root, holder);
      if (takeNext(socketDir, own, highest)) break;
    }
    unlinkSync(own);
    return { release: close };
  } catch (error) {
    await close();
    throw error;
  }
}
