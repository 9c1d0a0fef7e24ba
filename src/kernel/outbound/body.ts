/** A response body arrives in order, bounded in size after decompression, and never faster than it is read. */
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import { outboundErrors } from './errors.ts';

const highWaterBytes = 256 * 1024;

interface Flow {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** Body is a queue of byte pieces with one reader. */
export interface Body extends AsyncIterable<Uint8Array> {
  push(piece: Uint8Array): void;
  end(): void;
  fail(error: Error): void;
}

class QueuedBody implements Body, AsyncIterator<Uint8Array> {
  readonly #flow: Flow;
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #queuedBytes = 0;
  #seenBytes = 0;
  #isPaused = false;
  #isEnded = false;
  #error: Error | null = null;
  #waiting: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: Error): void } | null = null;

  constructor(flow: Flow, maxBytes: number) {
    this.#flow = flow;
    this.#maxBytes = maxBytes;
  }

  push(piece: Uint8Array): void {
    if (this.#isEnded || this.#error) return;
    this.#seenBytes += piece.length;
    if (this.#seenBytes > this.#maxBytes) {
      const error = outboundErrors.OUTBOUND_TOO_LARGE({ internal: `more than ${this.#maxBytes} bytes` });
      this.#pieces = [];
      this.fail(error);
      this.#flow.abort(error);
      return;
    }
    if (this.#waiting) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: piece });
      return;
    }
    this.#pieces.push(piece);
    this.#queuedBytes += piece.length;
    if (this.#queuedBytes > highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#flow.pause();
    }
  }

  end(): void {
    this.#isEnded = true;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
  }

  fail(error: Error): void {
    if (this.#isEnded || this.#error) return;
    this.#error = error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#pieces.shift();
    if (piece) {
      this.#queuedBytes -= piece.length;
      if (this.#isPaused && this.#queuedBytes < highWaterBytes / 2) {
        this.#isPaused = false;
        this.#flow.resume();
      }
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#error) return Promise.reject(this.#error);
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** Leaving the loop early gives the call up. */
  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isEnded && !this.#error) {
      const error = outboundErrors.OUTBOUND_ABORTED();
      this.fail(error);
      this.#flow.abort(error);
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }
}

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** decoding feeds a body through a decompressor, whose output is what the byte cap counts. */
function decoding(encoding: string, flow: Flow, maxBytes: number): Body {
  const create = decoders[encoding];
  if (!create) throw outboundErrors.OUTBOUND_BAD_RESPONSE({ internal: `content-encoding ${encoding.slice(0, 40)}` });
  const decoder = create();
  const body = new QueuedBody(
    {
      pause: () => decoder.pause(),
      resume: () => decoder.resume(),
      abort(reason) {
        decoder.destroy();
        flow.abort(reason);
      },
    },
    maxBytes,
  );
  decoder.on('data', (piece: Buffer) => body.push(piece));
  decoder.on('end', () => body.end());
  decoder.on('drain', () => flow.resume());
  decoder.on('error', (cause) => {
    const error = outboundErrors.OUTBOUND_BAD_RESPONSE({ internal: 'the compressed body is damaged', cause });
    body.fail(error);
    flow.abort(error);
  });
  return {
    push(piece) {
      if (!decoder.destroyed && !decoder.write(piece)) flow.pause();
    },
    end: () => void decoder.end(),
    fail(error) {
      body.fail(error);
      decoder.destroy();
    },
    [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](),
  };
}

/** createBody chooses by Content-Encoding. One encoding at most; stacked ones are refused as bombs usually are. */
export function createBody(contentEncoding: string | undefined, flow: Flow, maxBytes: number): Body {
  const encoding = contentEncoding?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return new QueuedBody(flow, maxBytes);
  return decoding(encoding, flow, maxBytes);
}
