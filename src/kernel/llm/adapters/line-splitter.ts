/** Lines come out whole whatever the network's pieces were, and a line without end cannot fill the memory. */
import { llmErrors } from '../errors.ts';

const newline = 10;
const maxLineBytes = 1024 * 1024;

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * LineSplitter cuts a byte stream at line feeds and decodes only whole lines, so that a character split over two reads
 * stays whole. A carriage return stays at a line's end: JSON ignores it there, and field names come first.
 */
export class LineSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** push calls back with each line that is complete. Throws MODEL_BAD_RESPONSE for one longer than 1 MiB. */
  push(bytes: Uint8Array, onLine: (line: string) => void): void {
    const buffer = toBuffer(bytes);
    const end = buffer.lastIndexOf(newline);
    if (end === -1) {
      this.#keep(buffer);
      return;
    }
    let text: string;
    if (this.#pendingBytes === 0) text = buffer.toString('utf8', 0, end);
    else {
      this.#keep(buffer.subarray(0, end));
      text = Buffer.concat(this.#pending, this.#pendingBytes).toString('utf8');
      this.#pending = [];
      this.#pendingBytes = 0;
    }
    if (end + 1 < buffer.length) this.#keep(buffer.subarray(end + 1));
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      if (to > from) onLine(text.slice(from, to));
      from = to + 1;
    }
    if (from < text.length) onLine(from === 0 ? text : text.slice(from));
  }

  /** flush hands out what stands after the last line feed, when the stream has ended. */
  flush(onLine: (line: string) => void): void {
    if (this.#pendingBytes === 0) return;
    const text = Buffer.concat(this.#pending, this.#pendingBytes).toString('utf8');
    this.#pending = [];
    this.#pendingBytes = 0;
    onLine(text);
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pendingBytes += piece.length;
    if (this.#pendingBytes > maxLineBytes) {
      throw llmErrors.MODEL_BAD_RESPONSE({ detail: 'The model endpoint sent a line longer than 1 MiB.' });
    }
    this.#pending.push(piece);
  }
}
