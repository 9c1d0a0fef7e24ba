/** A backup file is compressed, sealed with the master key, and read back only if every byte is as it was written. */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { describeFolderError } from '../embedded/data-folder.ts';
import { DatabaseStartError, errorCode } from '../errors.ts';

/**
 * Frame is one unit of the stream inside: a type byte, a length of 4 bytes (big-endian), the payload.
 * M manifest (JSON), T table begins (JSON), D rows as PostgreSQL's COPY text, E table ends (JSON), Z end: SHA-256 of all before.
 */
export interface Frame {
  readonly type: 'M' | 'T' | 'D' | 'E' | 'Z';
  readonly payload: Buffer;
}

/** Header is the first line of the file, in the clear and authenticated. */
interface Header {
  readonly format: 'bulkhead-backup';
  readonly version: 1;
  readonly compression: 'zstd';
  readonly encryption: 'aes-256-gcm' | 'none';
  readonly salt: string;
  readonly nonce: string;
  /** Tells a wrong key from a damaged file. */
  readonly keyId: string;
}

const tagBytes = 16;
const longestHeader = 4_096;
const longestFrame = 64 * 1024 * 1024;

function broken(path: string, reason: string, cause?: unknown): DatabaseStartError {
  return new DatabaseStartError('BACKUP_BROKEN', `The backup ${path} ${reason}.`, cause);
}

function deriveKey(masterKey: string, salt: string, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.from(masterKey, 'base64'), Buffer.from(salt, 'base64'), info, bytes));
}

function makeHeader(masterKey: string | undefined): Header {
  const salt = randomBytes(16).toString('base64');
  const keyId = masterKey === undefined ? '' : deriveKey(masterKey, salt, 'bulkhead backup key id', 6).toString('hex');
  const encryption = masterKey === undefined ? 'none' : 'aes-256-gcm';
  return {
    format: 'bulkhead-backup',
    version: 1,
    compression: 'zstd',
    encryption,
    salt,
    nonce: randomBytes(12).toString('base64'),
    keyId,
  };
}

async function* encode(frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  const digest = createHash('sha256');
  const render = (frame: Frame): Buffer => {
    const head = Buffer.alloc(5);
    head.write(frame.type, 'latin1');
    head.writeUInt32BE(frame.payload.length, 1);
    return Buffer.concat([head, frame.payload]);
  };
  for await (const frame of frames) {
    const bytes = render(frame);
    digest.update(bytes);
    yield bytes;
  }
  yield render({ type: 'Z', payload: digest.digest() });
}

async function* withTag(
  sealed: AsyncIterable<Buffer>,
  tag: () => Buffer | null,
  header: Buffer,
): AsyncGenerator<Buffer> {
  yield header;
  yield* sealed;
  const bytes = tag();
  if (bytes) yield bytes;
}

/** writeBackupFile writes all frames to `path`, whole or not at all: aside, flushed, then renamed. Mode 0600. */
export async function writeBackupFile(
  path: string,
  masterKey: string | undefined,
  frames: AsyncIterable<Frame>,
): Promise<void> {
  const header = makeHeader(masterKey);
  const headerLine = Buffer.from(`${JSON.stringify(header)}\n`);
  const partial = `${path}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const plain = Readable.from(encode(frames));
    const compressed = createZstdCompress();
    if (masterKey === undefined) {
      await pipeline(
        plain,
        compressed,
        (source: AsyncIterable<Buffer>) => withTag(source, () => null, headerLine),
        createWriteStream(partial, { mode: 0o600, flush: true }),
      );
    } else {
      const key = deriveKey(masterKey, header.salt, 'bulkhead backup', 32);
      const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64')).setAAD(headerLine);
      await pipeline(
        plain,
        compressed,
        cipher,
        (source: AsyncIterable<Buffer>) => withTag(source, () => cipher.getAuthTag(), headerLine),
        createWriteStream(partial, { mode: 0o600, flush: true }),
      );
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    if (['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(errorCode(error)))
      throw describeFolderError(dirname(path), error);
    throw error;
  }
}

async function readEnds(path: string): Promise<{ header: Header; headerLine: Buffer; tag: Buffer; size: number }> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw broken(path, `cannot be opened (${errorCode(error)})`, error);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw broken(path, 'is no file');
    const { size } = stats;
    const start = Buffer.alloc(longestHeader);
    const { bytesRead } = await handle.read(start, 0, longestHeader, 0);
    const end = start.subarray(0, bytesRead).indexOf('\n');
    const headerLine = start.subarray(0, end + 1);
    const header = parseHeader(path, headerLine.toString());
    const tag = Buffer.alloc(tagBytes);
    if (header.encryption !== 'none') await handle.read(tag, 0, tagBytes, Math.max(0, size - tagBytes));
    return { header, headerLine, tag, size };
  } finally {
    await handle.close();
  }
}

/** chooseKey finds the key a backup was made with: the current one, or one that was replaced since (K9.2). */
function chooseKey(path: string, header: Header, masterKeys: readonly string[]): string {
  if (masterKeys.length === 0) throw broken(path, 'is encrypted; MASTER_KEY is needed to read it');
  const found = masterKeys.find(
    (key) => deriveKey(key, header.salt, 'bulkhead backup key id', 6).toString('hex') === header.keyId,
  );
  if (found === undefined)
    throw broken(path, 'was made with another MASTER_KEY; put that key into MASTER_KEY_PREVIOUS to read it');
  return found;
}

function parseHeader(path: string, line: string): Header {
  try {
    const header = JSON.parse(line) as Header;
    if (header.format === 'bulkhead-backup' && header.version === 1) return header;
  } catch {
    // Not ours.
  }
  throw broken(path, 'is not a backup this version can read');
}

async function* decode(path: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const digest = createHash('sha256');
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= 5) {
      const length = waiting.readUInt32BE(1);
      if (length > longestFrame) throw broken(path, 'is damaged');
      if (waiting.length < 5 + length) break;
      const frame: Frame = {
        type: waiting.toString('latin1', 0, 1) as Frame['type'],
        payload: waiting.subarray(5, 5 + length),
      };
      if (frame.type === 'Z' && !frame.payload.equals(digest.digest()))
        throw broken(path, 'is damaged: its digest differs');
      yield frame;
      if (frame.type !== 'Z') digest.update(waiting.subarray(0, 5 + length));
      waiting = waiting.subarray(5 + length);
    }
  }
}

/** BackupKeys are what a backup may have been sealed with: one key, or the current one and those it replaced. */
export type BackupKeys = string | readonly string[] | undefined;

/**
 * readBackupFile yields the frames up to and including Z. What it yields before the end is not yet authenticated: act on
 * it only in a transaction that is committed after the last frame. Throws BACKUP_BROKEN for damage and a wrong key.
 */
export async function* readBackupFile(path: string, masterKeys: BackupKeys): AsyncGenerator<Frame> {
  const { header, headerLine, tag, size } = await readEnds(path);
  const isSealed = header.encryption === 'aes-256-gcm';
  const file = createReadStream(path, {
    start: headerLine.length,
    end: Math.max(headerLine.length, size - (isSealed ? tagBytes : 0) - 1),
  });
  const stages: Transform[] = [createZstdDecompress() as unknown as Transform];
  if (isSealed) {
    const masterKey = chooseKey(path, header, [masterKeys ?? []].flat());
    const key = deriveKey(masterKey, header.salt, 'bulkhead backup', 32);
    stages.unshift(
      createDecipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64')).setAAD(headerLine).setAuthTag(tag),
    );
  }
  let isComplete = false;
  try {
    // The last stage is read here; pipeline would otherwise wait for a reader.
    const plain = stages.reduce((source: Readable, stage) => {
      source.once('error', (error) => stage.destroy(error));
      return source.pipe(stage);
    }, file as Readable);
    for await (const frame of decode(path, plain)) {
      yield frame;
      isComplete = frame.type === 'Z';
    }
  } catch (error) {
    if (error instanceof DatabaseStartError || !/^(ERR_|Z_|ZSTD_|EIO)|^$/.test(errorCode(error))) throw error;
    throw broken(path, 'is damaged', error);
  } finally {
    file.destroy();
  }
  if (!isComplete) throw broken(path, 'ends too early');
}
