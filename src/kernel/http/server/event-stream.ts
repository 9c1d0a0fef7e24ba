/** Event streams: one socket write per batch, silence filled with comments, a client too slow to follow is cut. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EventStream, EventWriter, ServerSentEvent } from '../types.ts';

export interface StreamLimits {
  /** A comment is sent after this much silence, so that proxies keep the connection (K12.5). */
  readonly heartbeatSeconds: number;
  /** Bytes that may wait for a slow client before it is cut. */
  readonly maxBufferedBytes: number;
  /** A client that takes nothing for this long is cut. */
  readonly stallSeconds: number;
  /** How often it is asked whether the caller may still listen; 15 s by default. */
  readonly recheckSeconds?: number;
}

const defaultRecheckSeconds = 15;

export const defaultStreamLimits: StreamLimits = {
  heartbeatSeconds: 15,
  maxBufferedBytes: 8 * 1024 * 1024,
  stallSeconds: 60,
};

/** formatEvents writes events in the text/event-stream format. `data` must be a single line, as JSON is. */
export function formatEvents(events: readonly ServerSentEvent[]): string {
  let text = '';
  for (const { id, event, data } of events) {
    if (id !== undefined) text += `id: ${id}\n`;
    if (event !== undefined) text += `event: ${event}\n`;
    text += `data: ${data}\n\n`;
  }
  return text;
}

const heartbeat = ': keep-alive\n\n';

/**
 * frameChunk frames text as one HTTP/1.1 chunk (RFC 9112, 7.1). Written straight to the socket, an event is one string
 * and one system call; through ServerResponse.write it is four pieces and takes about twice the processor's time.
 */
function frameChunk(text: string, byteLength: number): string {
  return `${byteLength.toString(16)}\r\n${text}\r\n`;
}

/** OpenStream is one connection. Its clock is the registry's tick, so that writing costs no look at the time. */
class OpenStream implements EventWriter {
  readonly #response: ServerResponse;
  readonly #registry: EventStreams;
  /** The socket itself, where the answer is chunked and next in line; else null, and Node frames. */
  readonly #socket: Socket | null;
  readonly abort = new AbortController();
  #lastWriteTick: number;
  #pendingAtTick: { readonly tick: number; readonly bytes: number } | null = null;
  readonly #mayListen: (() => Promise<boolean>) | undefined;
  #lastAskedTick: number;

  constructor(response: ServerResponse, registry: EventStreams, mayListen?: () => Promise<boolean>) {
    this.#response = response;
    this.#registry = registry;
    this.#socket = response.chunkedEncoding ? response.socket : null;
    this.#mayListen = mayListen;
    this.#lastWriteTick = registry.tick;
    this.#lastAskedTick = registry.tick;
  }

  write(events: readonly ServerSentEvent[]): void {
    if (events.length === 0 || this.abort.signal.aborted) return;
    this.#send(formatEvents(events));
  }

  get bufferedBytes(): number {
    return this.#response.writableLength;
  }

  async drained(): Promise<void> {
    const target = this.#socket ?? this.#response;
    if (!target.writableNeedDrain || this.abort.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        target.off('drain', finish);
        target.off('close', finish);
        resolve();
      };
      target.once('drain', finish);
      target.once('close', finish);
    });
  }

  /** Called by the registry once per tick: keeps a silent stream alive, cuts one that does not move. */
  check(limits: StreamLimits, tickSeconds: number): void {
    const { tick } = this.#registry;
    const pending = this.bufferedBytes;
    if (pending === 0) {
      this.#pendingAtTick = null;
      if ((tick - this.#lastWriteTick) * tickSeconds >= limits.heartbeatSeconds) this.#send(heartbeat);
    } else if (!this.#pendingAtTick || pending < this.#pendingAtTick.bytes) {
      this.#pendingAtTick = { tick, bytes: pending };
    } else if ((tick - this.#pendingAtTick.tick) * tickSeconds >= limits.stallSeconds) {
      this.#response.destroy();
    }
    const { recheckSeconds = defaultRecheckSeconds } = limits;
    if (this.#mayListen && (tick - this.#lastAskedTick) * tickSeconds >= recheckSeconds) {
      this.#lastAskedTick = tick;
      void this.#endUnlessAllowed(this.#mayListen);
    }
  }

  /** A session that ended takes its open streams along; a database that is away for the moment does not. */
  async #endUnlessAllowed(mayListen: () => Promise<boolean>): Promise<void> {
    try {
      if (!(await mayListen())) this.abort.abort();
    } catch {
      // Nobody knows; it is asked again next time.
    }
  }

  #send(text: string): void {
    this.#lastWriteTick = this.#registry.tick;
    const isFlowing = this.#socket ? this.#sendChunk(this.#socket, text) : this.#response.write(text);
    if (!isFlowing && this.bufferedBytes > this.#registry.limits.maxBufferedBytes) this.#response.destroy();
  }

  #sendChunk(socket: Socket, text: string): boolean {
    const byteLength = Buffer.byteLength(text);
    // Text of ASCII alone has as many bytes as characters, and is written without being encoded.
    return socket.write(frameChunk(text, byteLength), byteLength === text.length ? 'latin1' : 'utf8');
  }
}

/** EventStreams holds the open streams of a server: one timer for all, and one place to end them all. */
export class EventStreams {
  readonly limits: StreamLimits;
  tick = 0;
  readonly #open = new Set<OpenStream>();
  readonly #timer: NodeJS.Timeout;
  #isClosing = false;

  constructor(limits: StreamLimits = defaultStreamLimits) {
    this.limits = limits;
    const { heartbeatSeconds, stallSeconds, recheckSeconds = defaultRecheckSeconds } = limits;
    const tickSeconds = Math.min(5, heartbeatSeconds, stallSeconds, recheckSeconds);
    this.#timer = setInterval(() => {
      this.tick += 1;
      for (const stream of this.#open) stream.check(limits, tickSeconds);
    }, tickSeconds * 1000);
    this.#timer.unref();
  }

  get count(): number {
    return this.#open.size;
  }

  /** serve answers with the stream and resolves when it is over, however it ends. `headers` are written as they are. */
  async serve(
    stream: EventStream,
    response: ServerResponse,
    headers: Readonly<Record<string, string | number | string[]>>,
  ): Promise<void> {
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    const open = new OpenStream(response, this, stream.mayListen);
    const stop = (): void => open.abort.abort();
    response.once('close', stop);
    this.#open.add(open);
    if (this.#isClosing || response.destroyed) open.abort.abort();
    try {
      await stream.open(open, open.abort.signal);
    } finally {
      this.#open.delete(open);
      response.off('close', stop);
      open.abort.abort();
      response.end();
    }
  }

  /** endAll tells every stream to end; clients come back with Last-Event-ID, to another process or the next start. */
  endAll(): void {
    this.#isClosing = true;
    clearInterval(this.#timer);
    for (const stream of this.#open) stream.abort.abort();
  }
}
