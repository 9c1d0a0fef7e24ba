/** An object is visible only when its bytes are safe, and its bytes are deleted only when its row is gone for good. */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Config } from '#kernel/config';
import type { Database, TenantScope, Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { createFileSigner, expiryFor, type FileSigner } from './file-signatures.ts';
import { createLocalBlobStore } from './local-blob-store.ts';
import { drainRemovals, removeOrphans } from './sweep.ts';
import type { BlobStore, FileSignature, NewObject, ObjectStore, StoredObject } from './types.ts';

export interface ObjectStoreOptions {
  readonly config: Pick<Config, 'dataDir' | 'authSecret'>;
  readonly db: Pick<Database, 'withTenant' | 'withSystem'>;
  readonly log: Logger;
  /** Where the bytes go. Default: `<dataDir>/objects`. */
  readonly blobs?: BlobStore;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

interface ObjectRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly filename: string;
  readonly content_type: string;
  readonly size_bytes: string;
  readonly sha256: string;
}

/** Bytes without a row may belong to a `put` whose transaction is yet to commit; after this long they do not. */
const orphanAgeMilliseconds = 3_600_000;
/** How soon after `remove` the bytes are looked for; the caller's transaction has mostly committed by then. */
const removalDelayMilliseconds = 1_000;
const longestFilename = 255;

/** A media type without parameters; whatever else was claimed is served as bytes. */
function storableType(contentType: string): string {
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/.test(contentType)
    ? contentType
    : 'application/octet-stream';
}

function storableFilename(filename: string): string {
  // Control and bidirectional characters could make `exe.pdf` out of `fdp.exe` when shown.
  const clean = filename
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  return [...clean].slice(-longestFilename).join('') || 'file';
}

function toObject(row: ObjectRow): StoredObject {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    filename: row.filename,
    contentType: row.content_type,
    sizeBytes: Number(row.size_bytes),
    sha256: row.sha256,
  };
}

/** createObjectStore makes the store. Throws when there is no secret to sign links with. */
export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  const { config } = options;
  if (!config.authSecret) throw new Error('signing links to files needs AUTH_SECRET');
  const now = options.now ?? Date.now;
  const blobs = options.blobs ?? createLocalBlobStore(join(config.dataDir, 'objects'));
  return new RowedObjectStore(options, blobs, createFileSigner(config.authSecret, now), now);
}

class RowedObjectStore implements ObjectStore {
  readonly #db: ObjectStoreOptions['db'];
  readonly #log: Logger;
  readonly #blobs: BlobStore;
  readonly #signer: FileSigner;
  readonly #now: () => number;
  #draining: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor({ db, log }: ObjectStoreOptions, blobs: BlobStore, signer: FileSigner, now: () => number) {
    this.#db = db;
    this.#log = log;
    this.#blobs = blobs;
    this.#signer = signer;
    this.#now = now;
  }

  async put(scope: TenantScope, object: NewObject): Promise<StoredObject> {
    const key = { tenantId: scope.tenantId, id: newId() };
    const { sizeBytes, sha256 } = await this.#blobs.write(key, object.body, object.maxBytes);
    const stored: StoredObject = {
      ...key,
      sizeBytes,
      sha256,
      filename: storableFilename(object.filename),
      contentType: storableType(object.contentType),
    };
    try {
      await this.#db.withTenant(scope, (tx) => insertRow(tx, stored));
    } catch (error) {
      // A lost connection leaves open whether the row was committed: bytes may only go when there is surely no row.
      if (await this.#isSurelyAbsent(scope, key.id)) await this.#blobs.delete(key);
      throw error;
    }
    return stored;
  }

  async find(scope: TenantScope, id: string): Promise<StoredObject | null> {
    const [row] = await this.#db.withTenant(scope, (tx) =>
      tx.query<ObjectRow>({
        name: 'storage-find',
        text: `select id, tenant_id, filename, content_type, size_bytes, sha256 from kernel.objects
               where tenant_id = $1 and id = $2`,
        values: [scope.tenantId, id],
      }),
    );
    return row ? toObject(row) : null;
  }

  async read(scope: TenantScope, id: string): Promise<Readable> {
    const object = await this.find(scope, id);
    if (!object) throw kernelErrors.NOT_FOUND();
    return this.#blobs.read(object);
  }

  async readAll(scope: TenantScope, id: string): Promise<Uint8Array> {
    return buffer(await this.read(scope, id));
  }

  async remove(tx: Tx, id: string): Promise<void> {
    // The table's trigger notes the removal in the same transaction.
    await tx.query({ text: 'delete from kernel.objects where id = $1', values: [id] });
    this.#drainSoon();
  }

  signUrl(scope: TenantScope, id: string, lifetimeSeconds: number): string {
    const expires = expiryFor(this.#now(), lifetimeSeconds);
    return `/api/v1/files/${id}?expires=${expires}&signature=${this.#signer.sign(scope.tenantId, id, expires)}`;
  }

  isSignatureValid(scope: TenantScope, id: string, signature: FileSignature): boolean {
    return this.#signer.isValid(scope.tenantId, id, signature);
  }

  async sweep(): Promise<{ removed: number; orphans: number }> {
    const removed = await drainRemovals(this.#db, this.#blobs);
    const orphans = await removeOrphans(this.#db, this.#blobs, new Date(this.#now() - orphanAgeMilliseconds));
    return { removed, orphans };
  }

  ping(): Promise<void> {
    return this.#blobs.ping();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#draining);
  }

  async #isSurelyAbsent(scope: TenantScope, id: string): Promise<boolean> {
    try {
      return (await this.find(scope, id)) === null;
    } catch {
      return false; // The database is away: the sweeper decides when it is back.
    }
  }

  #drainSoon(): void {
    if (this.#draining || this.#isClosed) return;
    this.#draining = setTimeout(() => {
      this.#draining = undefined;
      drainRemovals(this.#db, this.#blobs).catch((err: unknown) => {
        this.#log.warn({ err }, 'removed files could not be deleted yet; the sweeper tries again');
      });
    }, removalDelayMilliseconds);
    this.#draining.unref();
  }
}

async function insertRow(tx: Tx, object: StoredObject): Promise<void> {
  await tx.query({
    text: `insert into kernel.objects (id, tenant_id, filename, content_type, size_bytes, sha256)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [object.id, object.tenantId, object.filename, object.contentType, object.sizeBytes, object.sha256],
  });
}
