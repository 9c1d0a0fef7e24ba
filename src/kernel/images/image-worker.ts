/** One picture process and its watchdog: it does one job at a time, and is killed when it hangs, grows or lies. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readFrames, writeFrame, type Frame } from './frames.ts';
import { jobAnswer, type ImageJob, type JobAnswer } from './job.ts';

export interface WorkerOptions {
  /** The program; another one in tests of what a broken process may do. */
  readonly program?: string;
  /** Memory of the whole process, watched where /proc exists; on Linux the system itself refuses it more than some 300 beyond. */
  readonly memoryMegabytes: number;
  /** Longest time for a job, from the moment the process is ready. */
  readonly timeoutMilliseconds: number;
  /** Longest time from start to readiness. */
  readonly startMilliseconds: number;
}

export type WorkerFailure = 'timeout' | 'memory' | 'died' | 'not started';

/** WorkerFailed is why a process gave no answer. */
export class WorkerFailed extends Error {
  readonly reason: WorkerFailure;
  constructor(reason: WorkerFailure, lastWords: string) {
    super(`the picture process failed (${reason})${lastWords ? `: ${lastWords}` : ''}`);
    this.reason = reason;
  }
}

export interface JobResult {
  readonly answer: JobAnswer;
  readonly body: Buffer;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const imageChild = fileURLToPath(new URL('./image-child.ts', import.meta.url));
const folder = dirname(imageChild);
const root = join(folder, '..', '..', '..');
const maxAnswerBytes = 128 * 1_048_576;
const watchMilliseconds = 100;
const pageBytes = 4_096;
const lastWordsLength = 2_000;
/** V8 reserves 512 MiB that it does not use; the rest is room for the watch to find a growing process first, as it knows what to tell. */
const reservedMegabytes = 800;

/**
 * commandOf starts Node with nothing to lose: it may read the program and its libraries, and neither write nor start
 * processes. On Linux the system itself bounds its memory, and forbids files and core dumps.
 */
function commandOf({ program = imageChild, memoryMegabytes }: WorkerOptions): [string, string[]] {
  const libraries = join(root, 'node_modules');
  // The libraries may be a link to where they are kept.
  const folders = new Set([libraries, realpathSync(libraries), dirname(program), folder]);
  const readable = [...folders].map((path) => join(path, '*'));
  const node = [
    process.execPath,
    '--permission',
    '--allow-addons',
    ...[...readable, join(root, 'package.json')].map((path) => `--allow-fs-read=${path}`),
    '--max-old-space-size=128',
    '--no-warnings',
    program,
  ];
  if (process.platform !== 'linux' || !existsSync('/bin/sh')) return [process.execPath, node.slice(1)];
  const bounds = `ulimit -c 0; ulimit -f 0; ulimit -d ${(memoryMegabytes + reservedMegabytes) * 1_024}; exec "$@"`;
  return ['/bin/sh', ['-c', bounds, 'sh', ...node]];
}

function startChild(options: WorkerOptions): Child {
  const [command, parameters] = commandOf(options);
  // Fewer arenas: memory that a picture needed is given back instead of being kept per thread.
  const child = spawn(command, parameters, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { MALLOC_ARENA_MAX: '2' },
    cwd: root,
    windowsHide: true,
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, which its exit tells.
  }
  return child;
}

export class ImageWorker {
  readonly #child: Child;
  readonly #options: WorkerOptions;
  readonly #frames: AsyncGenerator<Frame>;
  readonly #ready: Promise<void>;
  readonly exited: Promise<void>;
  #failure: WorkerFailure | undefined;
  #lastWords = '';
  #hasEnded = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#child = startChild(options);
    this.#frames = readFrames(this.#child.stdout, maxAnswerBytes);
    this.exited = new Promise((resolve) => {
      const end = () => {
        this.#hasEnded = true;
        resolve();
      };
      this.#child.once('close', end);
      this.#child.once('error', end);
    });
    // A process that dies while it is being fed: what counts is that it gives no answer.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-lastWordsLength);
    });
    this.#ready = this.#awaitReady();
    this.#ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return !this.#hasEnded && this.#failure === undefined;
  }

  /** Does one job. Throws WorkerFailed, after which the process is gone. The caller sees to it that jobs do not overlap. */
  async run(job: ImageJob, input: Uint8Array, signal?: AbortSignal): Promise<JobResult> {
    signal?.throwIfAborted();
    const abort = () => this.kill('died');
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await this.#ready;
      return await this.#watched(this.#options.timeoutMilliseconds, 'timeout', () => {
        writeFrame(this.#child.stdin, job, [input]);
        return this.#next('died');
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  kill(reason: WorkerFailure = 'died'): void {
    this.#failure ??= reason;
    this.#child.kill('SIGKILL');
  }

  async #awaitReady(): Promise<void> {
    const { answer } = await this.#watched(this.#options.startMilliseconds, 'not started', () =>
      this.#next('not started'),
    );
    if (answer.type !== 'ready') throw this.#fail('not started');
  }

  async #watched(milliseconds: number, late: WorkerFailure, work: () => Promise<JobResult>): Promise<JobResult> {
    const timer = setTimeout(() => this.kill(late), milliseconds);
    const watch = setInterval(() => void this.#checkMemory(), watchMilliseconds);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
    }
  }

  async #next(otherwise: WorkerFailure): Promise<JobResult> {
    try {
      const { done, value } = await this.#frames.next();
      if (!done) return { answer: jobAnswer.parse(value.header), body: value.body };
    } catch (error) {
      // Broken pipes, frames too long and answers that do not fit: nothing more of this process is believed.
      throw this.#fail(otherwise, error);
    }
    throw this.#fail(otherwise);
  }

  #fail(reason: WorkerFailure, cause?: unknown): WorkerFailed {
    this.kill(reason);
    const failed = new WorkerFailed(this.#failure ?? reason, this.#lastWords.trim());
    failed.cause = cause;
    return failed;
  }

  async #checkMemory(): Promise<void> {
    const sizes = await readFile(`/proc/${this.#child.pid}/statm`, 'utf8').catch(() => null); // no /proc: the bounds above remain
    const residentBytes = sizes === null ? 0 : Number(sizes.split(' ')[1]) * pageBytes;
    if (residentBytes > this.#options.memoryMegabytes * 1_048_576) this.kill('memory');
  }
}
