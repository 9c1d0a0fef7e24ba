/** Starts Bulkhead, the scripted model and the load generator as processes of their own, and ends them again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { currentEnvironment } from '#kernel/config';
import type { LoadJob, LoadResult } from './load.ts';
import { cpuSecondsOf, listTree, memoryMbOf } from './process-stats.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const startMilliseconds = 60_000;
const stopMilliseconds = 20_000;

type Environment = Readonly<Record<string, string>>;

const running = new Set<ChildProcess>();
// Whatever ends this process, even an error nobody caught, ends what it started.
process.once('exit', () => running.forEach((child) => child.kill('SIGTERM')));

function start(script: string, args: readonly string[], environment: Environment): ChildProcess {
  const { HOME = '/', PATH = '' } = currentEnvironment();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, script), ...args], {
    cwd: root,
    env: { PATH, HOME, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** firstLine resolves with the first line of output that matches; rejects with what was said instead. */
async function firstLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  let errors = '';
  child.stderr?.on('data', (piece) => (errors = (errors + String(piece)).slice(-4_000)));
  const timer = setTimeout(() => child.kill('SIGKILL'), startMilliseconds);
  try {
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
      if (pattern.test(line)) return line;
    throw new Error(`the process ended without saying ${String(pattern)}: ${errors}`);
  } finally {
    clearTimeout(timer);
    child.stdout?.resume();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds);
  child.kill('SIGTERM');
  await once(child, 'exit');
  clearTimeout(timer);
}

export interface ModelProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** startModel starts the scripted model. */
export async function startModel(): Promise<ModelProcess> {
  const child = start('src/testing/model-server.ts', ['--port', '0'], {});
  const url = await firstLine(child, /^http/);
  return { url, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => stop(child) };
}

/** Usage is what Bulkhead and its embedded database have used, apart. */
export interface Usage {
  readonly serverCpuSeconds: number;
  readonly databaseCpuSeconds: number;
  readonly serverMemoryMb: number;
  readonly databaseMemoryMb: number;
}

export interface BulkheadProcess extends AsyncDisposable {
  readonly url: string;
  /** One-time link, at the first start. */
  readonly setupToken: string | null;
  /** From spawning to the line that says it is ready. */
  readonly startedInMilliseconds: number;
  usage(): Usage;
}

/** findPostmaster reads the pid the embedded PostgreSQL wrote into the data folder; null with an external one. */
function findPostmaster(dataDir: string): number | null {
  const file = readdirSync(dataDir, { recursive: true })
    .map(String)
    .find((name) => name.endsWith('postmaster.pid'));
  return file ? Number(readFileSync(join(dataDir, file), 'latin1').split('\n')[0]) : null;
}

/** startBulkhead starts the server on a free port of this machine, as `npm start` does, compiled code kept in the data folder's neighbour. */
export async function startBulkhead(dataDir: string, environment: Environment = {}): Promise<BulkheadProcess> {
  const startedAt = performance.now();
  const child = start('src/main.ts', ['serve'], {
    NODE_COMPILE_CACHE: `${dataDir}-compile-cache`,
    DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...environment,
  });
  const line = await firstLine(child, /Bulkhead is ready/);
  const startedInMilliseconds = performance.now() - startedAt;
  child.stderr?.resume();
  const link = new URL(/https?:\/\/\S+/.exec(line)?.[0] ?? '');
  const pid = child.pid ?? 0;
  return {
    url: link.origin.replace('localhost', '127.0.0.1'),
    setupToken: /token=([^&]+)/.exec(link.hash + link.search)?.[1] ?? null,
    startedInMilliseconds,
    usage() {
      const postmaster = environment['DATABASE_URL'] === undefined ? findPostmaster(dataDir) : null;
      const database = postmaster === null ? [] : listTree(postmaster);
      const server = listTree(pid, postmaster === null ? [] : [postmaster]);
      return {
        serverCpuSeconds: cpuSecondsOf(server),
        databaseCpuSeconds: cpuSecondsOf(database),
        serverMemoryMb: memoryMbOf(server),
        databaseMemoryMb: memoryMbOf(database),
      };
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** LoadProcess is a running job; `release` lets held streams go. */
export interface LoadProcess {
  readonly held: Promise<void>;
  readonly result: Promise<LoadResult>;
  release(): void;
}

/** startLoad runs a job in a process of its own. */
export function startLoad(job: LoadJob): LoadProcess {
  const child = start('bench/load.ts', [], {});
  child.stdin?.write(`${JSON.stringify(job)}\n`);
  child.stderr?.pipe(process.stderr);
  let onHeld: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (onHeld = resolve));
  async function read(): Promise<LoadResult> {
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      if (line === 'held') onHeld();
      else return JSON.parse(line) as LoadResult;
    }
    throw new Error('the load generator ended without a result');
  }
  return { held, result: read(), release: () => void child.stdin?.write('release\n') };
}
