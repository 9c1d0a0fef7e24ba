/** Untrusted files are read in a process of their own with a memory cap and a watchdog; the server only sees JSON lines. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { agentsErrors } from '../errors.ts';
import { LineTooLong, parsedLine, splitLines, type ParsedPassage } from './parsed-line.ts';

export interface ParseOptions {
  readonly contentType: string;
  /** Called with each batch, in order; reading waits for it. */
  readonly onPassages: (items: readonly ParsedPassage[], progress: number) => Promise<void>;
  readonly heapMegabytes?: number;
  /** Memory of the whole process, buffers included; enforced where /proc exists. */
  readonly residentMegabytes?: number;
  /** Longest time between two lines, not counting the time `onPassages` takes. */
  readonly silenceMilliseconds?: number;
  readonly signal?: AbortSignal;
}

export interface ParseResult {
  readonly passageCount: number;
  readonly pageCount: number | null;
}

type ParserProcess = ChildProcessByStdio<Writable, Readable, null>;

const childFile = fileURLToPath(new URL('./parse-child.ts', import.meta.url));
/** All the child may read: its own sources, the PDF library, and the file that says which kind of modules these are. */
const readable = [
  join(dirname(childFile), '*'),
  join(dirname(dirname(createRequire(import.meta.url).resolve('unpdf'))), '*'),
  fileURLToPath(new URL('../../../../package.json', import.meta.url)),
];
/** Files read at once per process; more wait their turn, so that a hundred uploads cost no more memory than two. */
const maxChildren = 2;
let running = 0;
const waiting: (() => void)[] = [];

async function takeTurn(): Promise<() => void> {
  if (running >= maxChildren) await new Promise<void>((resolve) => void waiting.push(resolve));
  else running += 1;
  return () => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
}

/**
 * startChild starts the reader with nothing to lose: no environment, no writing of files, no other processes, no native
 * add-ons (Node's permission model). The limit of this defence: the child could still open sockets.
 */
function startChild(options: ParseOptions): ParserProcess {
  const permissions = ['--permission', ...readable.map((path) => `--allow-fs-read=${path}`)];
  const memory = `--max-old-space-size=${options.heapMegabytes ?? 384}`;
  const command = [...permissions, memory, '--no-warnings', childFile, options.contentType];
  return spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'ignore'], env: {}, windowsHide: true });
}

/** Watchdog kills a child that is silent for too long or grows too large. */
class Watchdog {
  readonly #child: ParserProcess;
  readonly #timer: NodeJS.Timeout;
  readonly #silenceMilliseconds: number;
  readonly #residentPages: number;
  #lastSign = performance.now();
  #isPaused = false;

  constructor(child: ParserProcess, options: ParseOptions) {
    this.#child = child;
    this.#silenceMilliseconds = options.silenceMilliseconds ?? 60_000;
    this.#residentPages = ((options.residentMegabytes ?? 1_024) * 1_048_576) / 4_096;
    this.#timer = setInterval(() => void this.#check(), 200);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#lastSign = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#child.kill('SIGKILL');
  }

  async #check(): Promise<void> {
    if (!this.#isPaused && performance.now() - this.#lastSign > this.#silenceMilliseconds) this.#child.kill('SIGKILL');
    const sizes = await readFile(`/proc/${this.#child.pid}/statm`, 'utf8').catch(() => null); // no /proc: the heap cap remains
    if (sizes !== null && Number(sizes.split(' ')[1]) > this.#residentPages) this.#child.kill('SIGKILL');
  }
}

async function readLines(child: ParserProcess, watchdog: Watchdog, options: ParseOptions): Promise<ParseResult> {
  for await (const line of splitLines(child.stdout)) {
    options.signal?.throwIfAborted();
    const parsed = parsedLine.parse(JSON.parse(line));
    if (parsed.type === 'end') return { passageCount: parsed.passageCount, pageCount: parsed.pageCount };
    if (parsed.type === 'problem') throw knownProblem(parsed.code);
    watchdog.pause();
    await options.onPassages(parsed.items, parsed.progress);
    watchdog.resume();
  }
  // The child ended without its last line: killed by the watchdog or out of memory.
  throw agentsErrors.DOCUMENT_TOO_COMPLEX();
}

function knownProblem(code: string): Error {
  const factories: Readonly<Record<string, unknown>> = agentsErrors;
  const make = code.startsWith('DOCUMENT_') ? factories[code] : undefined;
  return typeof make === 'function' ? (make as () => Error)() : agentsErrors.DOCUMENT_DAMAGED();
}

/**
 * parseDocument reads a file in a child process and hands over its passages in batches. Throws the DOCUMENT_* errors of
 * the application; a file that exhausts memory or time gives DOCUMENT_TOO_COMPLEX. Nothing of the child survives the call.
 */
export async function parseDocument(body: Readable, options: ParseOptions): Promise<ParseResult> {
  const giveBack = await takeTurn();
  try {
    options.signal?.throwIfAborted();
    const child = startChild(options);
    const closed = once(child, 'close');
    const watchdog = new Watchdog(child, options);
    // The child may die while it is being fed; what matters then is how its output ends.
    const fed = pipeline(body, child.stdin).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') child.kill('SIGKILL');
      return error;
    });
    try {
      return await readLines(child, watchdog, options);
    } catch (error) {
      throw error instanceof LineTooLong ? agentsErrors.DOCUMENT_TOO_COMPLEX({ cause: error }) : error;
    } finally {
      watchdog.stop();
      await Promise.all([closed, fed]);
    }
  } finally {
    giveBack();
  }
}
