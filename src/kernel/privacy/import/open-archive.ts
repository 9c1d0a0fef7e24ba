/** Reads an archive that may come from anywhere: bounded in entries, bytes and line lengths, checked, and never by its file names. */
import { randomUUID } from 'node:crypto';
import { close, createWriteStream, open } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { isAppError } from '#kernel/errors';
import { archiveFormat } from '../archive-format.ts';
import { privacyErrors } from '../errors.ts';
import { SkippedRecord } from '../skipped-record.ts';

const maxEntries = 200_000;
const maxLines = 5_000_000;
const maxLineBytes = 4 * 1024 * 1024;
const maxManifestBytes = 1024 * 1024;

/** Archive is an open archive; close it. */
export interface Archive extends AsyncDisposable {
  /** Lines of `portable/<name>.jsonl` with the share of the file read so far; nothing when there is no such file. */
  lines(name: string): AsyncGenerator<{ readonly text: string; readonly share: number }>;
  /** Packed bytes of `portable/<name>.jsonl`, for telling how far one is. */
  weightOf(name: string): number;
  /** The bytes of `files/<id>…`, or null. The stream fails with SkippedRecord when they are not what was packed. */
  file(id: string): Promise<Readable | null>;
}

export interface ArchiveLimits {
  /** Where the archive is put while it is read: its index stands at its end. Made when need be. */
  readonly folder: string;
  /** How much of it may come out in all: a small archive can hold any amount of the same. */
  readonly maxUnpackedBytes: number;
}

/** unreadable makes whatever the ZIP reader says one error of ours. */
function unreadable(error: unknown): never {
  throw isAppError(error) ? error : privacyErrors.ARCHIVE_UNREADABLE({ cause: error });
}

/** What the entries that matter are called; whatever stands after the id of a file is for people. */
const known = /^(?:portable\/[a-z-]+\.jsonl|manifest\.json|(files\/[0-9a-f-]{36})(?:-[^/]*)?)$/;

/** readIndex lists the entries that may matter, by path. */
async function readIndex(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  if (zip.entryCount > maxEntries) throw privacyErrors.ARCHIVE_TOO_LARGE();
  const index = new Map<string, yauzl.Entry>();
  for await (const entry of zip.eachEntry()) {
    const match = known.exec(entry.fileName);
    if (match) index.set(match[1] ?? entry.fileName, entry);
  }
  return index;
}

class OpenArchive implements Archive {
  readonly #zip: yauzl.ZipFile;
  readonly #index: ReadonlyMap<string, yauzl.Entry>;
  #bytesLeft: number;

  constructor(zip: yauzl.ZipFile, index: ReadonlyMap<string, yauzl.Entry>, maxUnpackedBytes: number) {
    this.#zip = zip;
    this.#index = index;
    this.#bytesLeft = maxUnpackedBytes;
  }

  /** Only the first page of what a newer program made is understood: that it is newer. */
  async checkManifest(): Promise<void> {
    const entry = this.#index.get('manifest.json');
    if (!entry || entry.uncompressedSize > maxManifestBytes) throw privacyErrors.ARCHIVE_UNREADABLE();
    const manifest = JSON.parse(
      await text(await this.#open(entry, () => privacyErrors.ARCHIVE_UNREADABLE())),
    ) as unknown;
    const format = (manifest as { format?: unknown } | null)?.format;
    if (typeof format !== 'number' || !Number.isInteger(format) || format < 1) throw privacyErrors.ARCHIVE_UNREADABLE();
    if (format > archiveFormat) throw privacyErrors.ARCHIVE_NEWER();
  }

  async *lines(name: string): AsyncGenerator<{ text: string; share: number }> {
    const entry = this.#index.get(`portable/${name}.jsonl`);
    if (entry) yield* readLines(await this.#open(entry, () => privacyErrors.ARCHIVE_UNREADABLE()), entry);
  }

  weightOf(name: string): number {
    return this.#index.get(`portable/${name}.jsonl`)?.compressedSize ?? 0;
  }

  async file(id: string): Promise<Readable | null> {
    const entry = this.#index.get(`files/${id}`);
    return entry ? this.#open(entry, () => new SkippedRecord('Its file in the archive is damaged.')) : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#zip.close();
  }

  /** Opens an entry; what comes out counts, and must be what was packed. */
  async #open(entry: yauzl.Entry, damaged: () => Error): Promise<Readable> {
    const packed = await this.#zip.openReadStreamPromise(entry).catch(() => null);
    if (!packed) throw damaged();
    let sum = 0;
    const checked = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.#bytesLeft -= chunk.length;
        sum = crc32(chunk, sum);
        if (this.#bytesLeft < 0) done(privacyErrors.ARCHIVE_TOO_LARGE());
        else done(null, chunk);
      },
      flush: (done) => done(sum === entry.crc32 ? null : damaged()),
    });
    packed.once('error', () => checked.destroy(damaged()));
    checked.once('close', () => packed.destroy());
    return packed.pipe(checked);
  }
}

/** readLines cuts UTF-8 at line ends; a line without an end would be collected for ever, so it is refused. */
async function* readLines(stream: Readable, entry: yauzl.Entry): AsyncGenerator<{ text: string; share: number }> {
  let bytes = 0;
  let count = 0;
  let rest: Buffer = Buffer.alloc(0);
  const share = () => Math.min(1, bytes / Math.max(1, entry.uncompressedSize));
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    let from = 0;
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = all.indexOf(10); end >= 0; from = end + 1, end = all.indexOf(10, from)) {
      const line = all.toString('utf8', from, end).trim();
      if (line === '') continue;
      count += 1;
      if (count > maxLines) throw privacyErrors.ARCHIVE_TOO_LARGE();
      yield { text: line, share: share() };
    }
    rest = all.subarray(from);
    if (rest.length > maxLineBytes) throw privacyErrors.ARCHIVE_TOO_LARGE();
  }
  const last = rest.toString().trim();
  if (last !== '') yield { text: last, share: 1 };
}

/** spool gives the archive as an open file without a name: whatever ends this process, nothing of it is left on the disk. */
async function spool(body: Readable, folder: string) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${randomUUID()}.zip`);
  try {
    await pipeline(body, createWriteStream(path, { mode: 0o600, flags: 'wx' }));
    return await promisify(open)(path, 'r');
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * openArchive puts the bytes where they can be read from any place. Throws ARCHIVE_UNREADABLE for what is no archive of
 * ours, ARCHIVE_NEWER for what a newer version made, ARCHIVE_TOO_LARGE.
 */
export async function openArchive(body: Readable, { folder, maxUnpackedBytes }: ArchiveLimits): Promise<Archive> {
  const file = await spool(body, folder);
  const zip = await yauzl.fromFdPromise(file, { validateEntrySizes: true }).catch(async (error: unknown) => {
    await promisify(close)(file);
    return unreadable(error);
  });
  zip.on('error', () => undefined); // told by the call that failed; nobody else listens
  try {
    const archive = new OpenArchive(zip, await readIndex(zip), maxUnpackedBytes);
    await archive.checkManifest();
    return archive;
  } catch (error) {
    zip.close();
    return unreadable(error);
  }
}
