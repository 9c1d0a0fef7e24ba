/** PostgreSQL runs for as long as we do: started or adopted, restarted when it dies, stopped cleanly at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { Logger } from '#kernel/log';
import { describeFolderError, type DataFolder } from './data-folder.ts';
import { readPostmasterFile } from './postmaster-file.ts';
import { isProcessAlive, waitForExit } from './process-alive.ts';
import { childFailure } from './run-initdb.ts';

export interface PostmasterOptions {
  readonly folder: DataFolder;
  readonly program: string;
  readonly args: readonly string[];
  readonly log: Logger;
}

const largestLogBytes = 10 * 1024 * 1024;
const startDeadlineMilliseconds = 60_000;
const adoptedPollMilliseconds = 250;

function openLog(path: string): number {
  try {
    if (statSync(path).size > largestLogBytes) renameSync(path, `${path}.1`);
  } catch {
    // No log yet.
  }
  return openSync(path, 'a', 0o600);
}

function tailOf(path: string, from: number): string {
  try {
    return readFileSync(path, 'utf8').slice(from).slice(-4_000);
  } catch {
    return '';
  }
}

/**
 * startPostmaster spawns the server and resolves when it accepts connections. Its output goes to a file, not a pipe: it
 * must be able to outlive us, so that whoever comes after a SIGKILL finds it running.
 */
async function startPostmaster(options: PostmasterOptions): Promise<ChildProcess> {
  const { folder, program, args } = options;
  let logStart = 0;
  let child: ChildProcess;
  try {
    const fd = openLog(folder.logFile);
    logStart = statSync(folder.logFile).size;
    child = spawn(program, ['-D', folder.cluster, ...args], {
      ...folder.runAs,
      cwd: folder.postgres,
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', fd, fd],
      // Its own group: Ctrl-C in a terminal is for us to handle first.
      detached: true,
    });
    closeSync(fd);
  } catch (error) {
    throw describeFolderError(folder.logFile, error);
  }
  let spawnError: Error | undefined;
  child.on('error', (error) => (spawnError = error));
  child.unref();
  const deadline = Date.now() + startDeadlineMilliseconds;
  for (;;) {
    if (spawnError) throw childFailure(folder, 'Starting the database', spawnError.message);
    if (child.exitCode !== null || child.signalCode !== null)
      throw childFailure(folder, 'Starting the database', tailOf(folder.logFile, logStart));
    const file = readPostmasterFile(folder.cluster);
    if (file?.pid === child.pid && file?.isReady) return child;
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      throw childFailure(
        folder,
        'Starting the database',
        `it was not ready after ${startDeadlineMilliseconds / 1000} s`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** startWithPatience waits out the children of a postmaster that was just killed: they hold its shared memory a moment longer. */
async function startWithPatience(options: PostmasterOptions): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPostmaster(options);
    } catch (error) {
      const isHeld = error instanceof Error && /still in use|already exists|is another postmaster/.test(error.message);
      if (!isHeld || attempt >= 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** stopPostmaster asks for a fast shutdown (no new work, checkpoint), and insists after the deadline; the log then replays. */
export async function stopPostmaster(pid: number, deadlineMilliseconds = 10_000): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await waitForExit(pid, signal === 'SIGINT' ? deadlineMilliseconds : 3_000)) return;
  }
}

/** Postmaster is the running server under supervision. */
export class Postmaster {
  readonly #options: PostmasterOptions;
  #child: ChildProcess | undefined;
  #pid: number;
  #isStopping = false;
  #watch: NodeJS.Timeout | undefined;

  private constructor(options: PostmasterOptions, pid: number, child?: ChildProcess) {
    this.#options = options;
    this.#pid = pid;
    this.#supervise(child);
  }

  /** start launches a new server. */
  static async start(options: PostmasterOptions): Promise<Postmaster> {
    const child = await startWithPatience(options);
    return new Postmaster(options, child.pid ?? 0, child);
  }

  /** adopt takes over a server that a killed process of ours left running. */
  static adopt(options: PostmasterOptions, pid: number): Postmaster {
    return new Postmaster(options, pid);
  }

  get pid(): number {
    return this.#pid;
  }

  /** Our own child tells us its end; an adopted one is looked at. */
  #supervise(child: ChildProcess | undefined): void {
    this.#child = child;
    clearInterval(this.#watch);
    if (child) {
      child.once('exit', () => this.#onDeath());
      if (child.exitCode !== null || child.signalCode !== null) this.#onDeath();
      return;
    }
    this.#watch = setInterval(() => {
      if (!isProcessAlive(this.#pid)) {
        clearInterval(this.#watch);
        this.#onDeath();
      }
    }, adoptedPollMilliseconds);
    this.#watch.unref();
  }

  #onDeath(): void {
    if (this.#isStopping) return;
    this.#options.log.error(
      { pid: this.#pid, logFile: this.#options.folder.logFile },
      'the database server died; starting it again',
    );
    void this.#restart();
  }

  async #restart(): Promise<void> {
    for (let pause = 100; !this.#isStopping; pause = Math.min(pause * 2, 10_000)) {
      try {
        const child = await startWithPatience(this.#options);
        this.#pid = child.pid ?? 0;
        if (this.#isStopping) return void (await stopPostmaster(this.#pid));
        this.#options.log.info({ pid: this.#pid }, 'the database server is back');
        return this.#supervise(child);
      } catch (error) {
        this.#options.log.error({ err: error }, 'the database server could not be started again; trying on');
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
      }
    }
  }

  /** detach ends the supervision and leaves the server running. */
  detach(): void {
    this.#isStopping = true;
    clearInterval(this.#watch);
    this.#child?.removeAllListeners('exit');
  }

  async stop(): Promise<void> {
    this.detach();
    await stopPostmaster(this.#pid);
  }
}
