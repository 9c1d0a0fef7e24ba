/** The first bytes of a stream can be looked at without losing them. */
import { Readable } from 'node:stream';

export interface Peeked {
  /** Up to the asked number of bytes, fewer when the stream is shorter. */
  readonly head: Uint8Array;
  /** The whole stream, the head included. */
  readonly body: Readable;
}

/** peekStream reads the first `byteCount` bytes of a stream and returns them with a stream of everything. The source stays its owner's to end. */
export async function peekStream(stream: Readable, byteCount: number): Promise<Peeked> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (size < byteCount) {
    const { done, value } = await iterator.next();
    if (done) break;
    pieces.push(value);
    size += value.length;
  }
  async function* everything(): AsyncGenerator<Uint8Array> {
    yield* pieces;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  return {
    head: Buffer.concat(pieces).subarray(0, byteCount),
    body: Readable.from(everything(), { objectMode: false }),
  };
}
