/** Server and picture process speak in frames: a small JSON header and raw bytes, each of a length that is checked first. */
import type { Readable, Writable } from 'node:stream';

export interface Frame {
  readonly header: unknown;
  readonly body: Buffer;
}

const prefixBytes = 8;
const maxHeaderBytes = 4_096;

/** FrameTooLong is thrown when the other side announces more than was agreed. */
export class FrameTooLong extends Error {}

/** writeFrame writes one frame. */
export function writeFrame(stream: Writable, header: unknown, bodies: readonly Uint8Array[]): void {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32LE(json.length, 0);
  prefix.writeUInt32LE(
    bodies.reduce((sum, body) => sum + body.length, 0),
    4,
  );
  stream.cork();
  for (const piece of [prefix, json, ...bodies]) stream.write(piece);
  stream.uncork();
}

/** readFrames yields the frames of a stream until it ends. Throws FrameTooLong, and SyntaxError for a header that is no JSON. */
export async function* readFrames(stream: Readable, maxBodyBytes: number): AsyncGenerator<Frame> {
  let pieces: Buffer[] = [];
  let size = 0;
  let wanted = prefixBytes;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    while (size >= wanted) {
      const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      pieces = [bytes];
      const headerLength = bytes.readUInt32LE(0);
      const bodyLength = bytes.readUInt32LE(4);
      if (headerLength > maxHeaderBytes || bodyLength > maxBodyBytes) throw new FrameTooLong('frame too long');
      const end = prefixBytes + headerLength + bodyLength;
      if (size < end) {
        wanted = end;
        break;
      }
      const bodyStart = prefixBytes + headerLength;
      yield {
        header: JSON.parse(bytes.subarray(prefixBytes, bodyStart).toString('utf8')) as unknown,
        body: bytes.subarray(bodyStart, end),
      };
      pieces = [bytes.subarray(end)];
      size -= end;
      wanted = prefixBytes;
    }
  }
}
