/** Bytes in a local folder: a blob is either whole and on the disk's platter, or not there at all. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { kernelErrors } from '#kernel/errors';
import { isId } from '#kernel/ids';
import { storageErrors } from './errors.ts';
import type { BlobKey, BlobStore } from './types.ts';

const fullCodes = new Set(['ENOSPC', 'EDQUOT']);
const keysPerBatch = 500;

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** shardOf spreads blobs over 256 folders: the end of a UUIDv7 is random, its beginning is the time. */
const shardOf = (id: string) => id.slice(-2);

/** A rename is durable only when the folder that holds the name is flushed too. Windows has no such call. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** createLocalBlobStore keeps blobs in `<root>/<tenant>/<last 2 hex of id>/<id>`, made on first use, for this user only. */
export function createLocalBlobStore(root: string): BlobStore {
  return new LocalBlobStore(root);
}

class LocalBlobStore implements BlobStore {
  readonly #root: string;
  /** On the same file system as the blobs, so that the rename is atomic. */
  readonly #unfinished: string;

  constructor(root: string) {
    this.#root = root;
    this.#unfinished = join(root, '.unfinished');
  }

  async write(
    key: BlobKey,
    body: Readable | Uint8Array,
    maxBytes: number,
  ): Promise<{ sizeBytes: number; sha256: string }> {
    const target = this.#pathOf(key);
    const temporary = join(this.#unfinished, randomUUID());
    try {
      await this.#prepare();
      const written = await copyBounded(body, temporary, maxBytes);
      await this.#publish(temporary, target);
      return written;
    } catch (error) {
      await Promise.all([rm(temporary, { force: true }), rm(target, { force: true })]);
      throw fullCodes.has(String(codeOf(error))) ? storageErrors.STORAGE_FULL({ cause: error }) : error;
    }
  }

  async read(key: BlobKey): Promise<Readable> {
    try {
      const file = await open(this.#pathOf(key), 'r');
      return file.createReadStream();
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? kernelErrors.NOT_FOUND({ cause: error }) : error;
    }
  }

  async delete(key: BlobKey): Promise<void> {
    await rm(this.#pathOf(key), { force: true });
  }

  async *list(before: Date): AsyncGenerator<readonly BlobKey[]> {
    let batch: BlobKey[] = [];
    for await (const tenantId of namesIn(this.#root)) {
      if (!isId(tenantId)) continue;
      for await (const shard of namesIn(join(this.#root, tenantId))) {
        for await (const id of namesIn(join(this.#root, tenantId, shard))) {
          // What lies elsewhere was not put there by us, and `delete` would not find it.
          if (!isId(id) || shardOf(id) !== shard || !(await isOlder(join(this.#root, tenantId, shard, id), before)))
            continue;
          batch.push({ tenantId, id });
          if (batch.length < keysPerBatch) continue;
          yield batch;
          batch = [];
        }
      }
    }
    if (batch.length > 0) yield batch;
  }

  async clearUnfinished(before: Date): Promise<number> {
    let cleared = 0;
    for await (const name of namesIn(this.#unfinished)) {
      const path = join(this.#unfinished, name);
      if (!(await isOlder(path, before))) continue;
      await rm(path, { force: true });
      cleared += 1;
    }
    return cleared;
  }

  async ping(): Promise<void> {
    const path = join(this.#unfinished, `ping-${randomUUID()}`);
    await this.#prepare();
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await file.write('ping');
      } finally {
        await file.close();
      }
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Makes the store's folders on first use, durably. */
  async #prepare(): Promise<void> {
    const firstMade = await mkdir(this.#unfinished, { recursive: true, mode: 0o700 });
    if (firstMade) await flushFolder(dirname(firstMade));
  }

  #pathOf({ tenantId, id }: BlobKey): string {
    if (!isId(tenantId) || !isId(id)) throw new TypeError('a blob is named by two UUIDs');
    return join(this.#root, tenantId, shardOf(id), id);
  }

  async #publish(temporary: string, target: string): Promise<void> {
    const folder = dirname(target);
    const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(temporary, target);
    await flushFolder(folder);
    // Folders made just now are names in their parents, which must reach the disk as well.
    if (firstMade) {
      await flushFolder(dirname(folder));
      await flushFolder(this.#root);
    }
  }
}

/** copyBounded writes the body to a new file and flushes it. Throws PAYLOAD_TOO_LARGE as soon as it is too long. */
async function copyBounded(body: Readable | Uint8Array, path: string, maxBytes: number) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      sizeBytes += bytes.length;
      if (sizeBytes > maxBytes) {
        throw kernelErrors.PAYLOAD_TOO_LARGE({
          detail: `The file is larger than ${Math.floor(maxBytes / 1_048_576)} MB.`,
        });
      }
      hash.update(bytes);
      await file.writeFile(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** namesIn lists a folder lazily; a folder that is gone is empty. */
async function* namesIn(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(path)) yield entry.name;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(String(codeOf(error)))) throw error;
  }
}

async function isOlder(path: string, before: Date): Promise<boolean> {
  try {
    return (await stat(path)).mtime < before;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
