/** The load generator, a process of its own: many streams over raw sockets, timed cheaply and checked for completeness afterwards. */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** LoadJob is what to do; it arrives as one line of JSON on standard input. */
export interface LoadJob {
  readonly host: string;
  readonly port: number;
  /** Whole HTTP requests, one connection each. */
  readonly requests: readonly string[];
  /** Over how long the requests are begun, evenly. */
  readonly rampMilliseconds: number;
  /** One at a time instead: each begins when the one before has ended. */
  readonly isSequential?: boolean;
  /** Bytes that show the first token, and those that end a stream. */
  readonly firstMarker: string;
  readonly endMarker: string;
  /** JSON field that holds the text of a token, for checking. */
  readonly textField: 'text' | 'content';
  readonly expectedText: string;
  readonly timeoutMilliseconds: number;
  /** Keeps all streams open once each has its first token, until the next line arrives. */
  readonly isHeld?: boolean;
}

/** StreamResult times are milliseconds from the request's first byte. */
export interface StreamResult {
  /** Until the answer's first byte: the message is accepted and saved by then. */
  readonly answeredMs: number | null;
  readonly firstMs: number | null;
  readonly totalMs: number | null;
  readonly isComplete: boolean;
  /** What came instead, when it is not complete. */
  readonly problem?: string;
}

export interface LoadResult {
  readonly streams: readonly StreamResult[];
  readonly cpuSeconds: number;
}

interface Stream {
  readonly socket: Socket;
  readonly startedAt: number;
  answeredAt: number | null;
  firstAt: number | null;
  endedAt: number | null;
  readonly pieces: Buffer[];
}

/** dechunk undoes the chunked transfer encoding; anything else is returned as it is. */
function dechunk(answer: Buffer): string {
  const split = answer.indexOf('\r\n\r\n');
  if (split === -1) return answer.toString();
  const head = answer.toString('latin1', 0, split);
  if (!/transfer-encoding: chunked/i.test(head)) return answer.toString('utf8', split + 4);
  const parts: Buffer[] = [];
  for (let at = split + 4; at < answer.length;) {
    const lineEnd = answer.indexOf('\r\n', at);
    if (lineEnd === -1) break;
    const size = Number.parseInt(answer.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) break;
    parts.push(answer.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts).toString('utf8');
}

function readText(body: string, field: LoadJob['textField']): string {
  const pattern =
    field === 'text'
      ? /^event: text-delta[\s\S]*?^data: .*?"text":"((?:[^"\\]|\\.)*)"/gm
      : /"delta":\{"content":"((?:[^"\\]|\\.)*)"/g;
  return [...body.matchAll(pattern)].map(([, text]) => JSON.parse(`"${text}"`) as string).join('');
}

function judge(stream: Stream, job: LoadJob): StreamResult {
  const answer = Buffer.concat(stream.pieces);
  const isComplete = stream.endedAt !== null && readText(dechunk(answer), job.textField) === job.expectedText;
  return {
    answeredMs: stream.answeredAt === null ? null : stream.answeredAt - stream.startedAt,
    firstMs: stream.firstAt === null ? null : stream.firstAt - stream.startedAt,
    totalMs: stream.endedAt === null ? null : stream.endedAt - stream.startedAt,
    isComplete,
    ...(isComplete ? {} : { problem: answer.toString('utf8', 0, 300) }),
  };
}

const tailBytes = 64;

/** open begins one stream; `onFirst` and `onEnd` are called once each. */
function open(job: LoadJob, request: string, onFirst: () => void, onEnd: () => void): Stream {
  const socket = connect({ host: job.host, port: job.port, noDelay: true });
  const stream: Stream = {
    socket,
    startedAt: performance.now(),
    answeredAt: null,
    firstAt: null,
    endedAt: null,
    pieces: [],
  };
  let isOver = false;
  let tail = '';
  function end(): void {
    if (isOver) return;
    isOver = true;
    socket.destroy();
    onEnd();
  }
  socket.setTimeout(job.timeoutMilliseconds, end);
  socket.on('error', end);
  socket.on('close', end);
  socket.on('data', (piece: Buffer) => {
    stream.pieces.push(piece);
    stream.answeredAt ??= performance.now();
    if (stream.firstAt === null && piece.includes(job.firstMarker)) {
      stream.firstAt = performance.now();
      onFirst();
    }
    // The end marker is at the very end, so a tail is enough, over piece borders too.
    tail = (tail + piece.toString('latin1', Math.max(0, piece.length - 1_024))).slice(-1_024 - tailBytes);
    if (tail.includes(job.endMarker)) {
      stream.endedAt = performance.now();
      end();
    }
  });
  socket.write(request);
  return stream;
}

async function runSequential(job: LoadJob): Promise<Stream[]> {
  const streams: Stream[] = [];
  for (const request of job.requests) {
    await new Promise<void>((resolve) => streams.push(open(job, request, () => undefined, resolve)));
  }
  return streams;
}

function runTogether(job: LoadJob, released: Promise<void>): Promise<Stream[]> {
  const streams: Stream[] = [];
  const { length } = job.requests;
  let begun = 0;
  let over = 0;
  let first = 0;
  return new Promise((resolve) => {
    const onEnd = (): void => {
      over += 1;
      if (over === length) resolve(streams);
    };
    const onFirst = (): void => {
      first += 1;
      if (!job.isHeld || first < length) return;
      process.stdout.write('held\n');
      void released.then(() => streams.forEach(({ socket }) => socket.destroy()));
    };
    const startedAt = performance.now();
    const timer = setInterval(() => {
      const due =
        job.rampMilliseconds === 0
          ? length
          : Math.ceil((length * (performance.now() - startedAt)) / job.rampMilliseconds);
      for (; begun < Math.min(due, length); begun += 1)
        streams.push(open(job, job.requests[begun] ?? '', onFirst, onEnd));
      if (begun === length) clearInterval(timer);
    }, 2);
  });
}

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const job = JSON.parse(String((await lines.next()).value)) as LoadJob;
  const released = lines.next().then(() => undefined);
  const streams = job.isSequential ? await runSequential(job) : await runTogether(job, released);
  const { system, user } = process.cpuUsage();
  const result: LoadResult = {
    cpuSeconds: (user + system) / 1e6,
    streams: streams.map((stream) => judge(stream, job)),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}
