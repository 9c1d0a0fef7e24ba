/** A Bulkhead in a process of its own, started from its sources, so that proofs can kill it and start it again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

const mainScript = fileURLToPath(new URL('../main.ts', import.meta.url));

/** findFreePort asks the system for a port that is free now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** From spawn until the printed link, in milliseconds. */
  readonly startMilliseconds: number;
  /** The one-time link's token, when there is no owner yet. */
  readonly setupToken: string | null;
  /** Everything it wrote, both streams. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
}

export interface ServerProcessOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly startTimeoutMilliseconds?: number;
}

/** startServerProcess resolves once the server has printed its link; rejects with its output when it ends before. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const startedAt = performance.now();
  const child: ChildProcess = spawn(process.execPath, [mainScript, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: String(options.port),
      DATA_DIR: options.dataDir,
      LOG_LEVEL: 'warn',
      ...options.environment,
    },
  });
  const lines: string[] = [];
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const link = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no link in time:\n${lines.join('\n')}`)),
      options.startTimeoutMilliseconds ?? 60_000,
    );
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const match = /(http:\/\/\S+)/.exec(line);
        if (match?.[1] && !line.startsWith('{')) {
          clearTimeout(timer);
          resolve(match[1]);
        }
      });
    }
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code}:\n${lines.join('\n')}`));
    });
  });
  let printed: string;
  try {
    printed = await link;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url: new URL(printed).origin,
    pid: child.pid ?? 0,
    startMilliseconds: performance.now() - startedAt,
    setupToken: /#token=(\S+)/.exec(printed)?.[1] ?? null,
    output: () => lines.join('\n'),
    kill: (signal) => void child.kill(signal),
    exited,
  };
}

/** findPostmaster returns the pid of the embedded database's first process, from the pid file it keeps; null when there is none. */
export function findPostmaster(dataDir: string): number | null {
  for (const folder of ['', ...readdirSync(dataDir)]) {
    for (const inner of ['', 'data']) {
      const file = join(dataDir, folder, inner, 'postmaster.pid');
      if (existsSync(file)) return Number(readFileSync(file, 'utf8').split('\n')[0]);
    }
  }
  return null;
}

/** listChildren returns the pids whose parent is `pid` (Linux). */
export function listChildren(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false; // it ended while we looked
      }
    })
    .map(Number);
}
