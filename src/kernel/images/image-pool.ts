/** A few picture processes, started on demand and ended when idle; whoever waits too long or too many are turned away. */
import { kernelErrors } from '#kernel/errors';
import type { ImageJob } from './job.ts';
import { ImageWorker, WorkerFailed, type JobResult, type WorkerOptions } from './image-worker.ts';

export interface PoolOptions extends WorkerOptions {
  readonly maxWorkers: number;
  /** Jobs waiting for a process; beyond it they are refused. */
  readonly maxWaiting: number;
  /** How long a process is kept without work. */
  readonly idleMilliseconds: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function tooBusy(): Error {
  return kernelErrors.UNAVAILABLE({
    retryAfterSeconds: 5,
    detail: 'Many pictures are being prepared right now. Try again in a few seconds.',
  });
}

export class ImagePool {
  readonly #options: PoolOptions;
  readonly #all = new Set<ImageWorker>();
  #idle: ImageWorker[] = [];
  readonly #waiting: Waiter[] = [];
  #running = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Process ids, for tests of what happens when one is killed. */
  get pids(): number[] {
    return [...this.#all].flatMap((worker) => (worker.isAlive && worker.pid !== undefined ? [worker.pid] : []));
  }

  /**
   * Does a job. Throws WorkerFailed or UNAVAILABLE. A process that was killed from outside (by an operator, by a machine
   * short of memory) is no fault of the picture: its job is done once more.
   */
  async run(job: ImageJob, input: Uint8Array, signal?: AbortSignal): Promise<JobResult> {
    await this.#takeTurn(signal);
    try {
      return await this.#attempt(job, input, signal).catch((error: unknown) => {
        const isWorthRepeating = error instanceof WorkerFailed && error.reason === 'died' && !this.#isClosed;
        if (!isWorthRepeating || signal?.aborted) throw error;
        return this.#attempt(job, input, signal);
      });
    } finally {
      this.#giveTurn();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    for (const { reject } of this.#waiting.splice(0)) reject(tooBusy());
    const workers = [...this.#all];
    for (const worker of workers) worker.kill();
    await Promise.all(workers.map((worker) => worker.exited));
  }

  async #attempt(job: ImageJob, input: Uint8Array, signal?: AbortSignal): Promise<JobResult> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw tooBusy();
    const worker = this.#idle.pop() ?? this.#start();
    const result = await worker.run(job, input, signal);
    this.#idle.push(worker);
    this.#endIdleLater();
    return result;
  }

  #start(): ImageWorker {
    const worker = new ImageWorker(this.#options);
    this.#all.add(worker);
    void worker.exited.then(() => {
      this.#all.delete(worker);
      this.#idle = this.#idle.filter((other) => other !== worker);
    });
    return worker;
  }

  #takeTurn(signal?: AbortSignal): Promise<void> {
    if (this.#isClosed) return Promise.reject(tooBusy());
    if (this.#running < this.#options.maxWorkers) {
      this.#running += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.maxWaiting) return Promise.reject(tooBusy());
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      this.#waiting.push(waiter);
      signal?.addEventListener(
        'abort',
        () => {
          const place = this.#waiting.indexOf(waiter);
          if (place === -1) return;
          this.#waiting.splice(place, 1);
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        },
        { once: true },
      );
    });
  }

  #giveTurn(): void {
    const next = this.#waiting.shift();
    if (next) next.resolve();
    else this.#running -= 1;
  }

  #endIdleLater(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const worker of this.#idle.splice(0)) worker.kill();
    }, this.#options.idleMilliseconds);
    this.#idleTimer.unref();
  }
}
