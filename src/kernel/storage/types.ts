/** The shape of object storage: bytes live here, never in the database; rows hold the object's id. */
import type { Readable } from 'node:stream';
import type { TenantScope, Tx } from '#kernel/db';

export interface StoredObject {
  readonly id: string;
  readonly tenantId: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
  readonly filename: string;
}

export interface NewObject {
  readonly filename: string;
  readonly contentType: string;
  readonly body: Readable | Uint8Array;
  /** Refused with PAYLOAD_TOO_LARGE beyond this, and nothing is left behind. */
  readonly maxBytes: number;
}

/** FileSignature is the query of a signed URL. */
export interface FileSignature {
  /** Unix seconds. */
  readonly expires: number;
  readonly signature: string;
}

export interface ObjectStore {
  /**
   * Streams the bytes to the store, fsyncs, then records the object in its own transaction. Throws PAYLOAD_TOO_LARGE or
   * STORAGE_FULL; whatever fails, no object is visible and no bytes stay.
   */
  put(scope: TenantScope, object: NewObject): Promise<StoredObject>;
  find(scope: TenantScope, id: string): Promise<StoredObject | null>;
  /** Opens the bytes of an object of this tenant. Throws NOT_FOUND. */
  read(scope: TenantScope, id: string): Promise<Readable>;
  readAll(scope: TenantScope, id: string): Promise<Uint8Array>;
  /** Deletes the row in the caller's transaction; the bytes go after commit (a sweeper removes leftovers). */
  remove(tx: Tx, id: string): Promise<void>;
  /**
   * A signed, expiring path under `/api/v1/files/`, valid for this tenant's signed-in users only. Paths made within a
   * quarter of the lifetime are the same, so that browsers find them in their cache; they live up to a quarter shorter.
   */
  signUrl(scope: TenantScope, id: string, lifetimeSeconds: number): string;
  /** Tells whether a signature is ours, for this tenant and object, and not expired. */
  isSignatureValid(scope: TenantScope, id: string, signature: FileSignature): boolean;
  /** Deletes the bytes of removed rows and those that never got a row. For the sweeper; safe on every process at once. */
  sweep(): Promise<{ readonly removed: number; readonly orphans: number }>;
  /** Rejects when the store cannot be written, for /readyz. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** BlobKey is the place of bytes in a store. Both ids are UUIDs. */
export interface BlobKey {
  readonly tenantId: string;
  readonly id: string;
}

/** BlobStore keeps bytes; it knows no tenants' rights and no rows. A local folder is one, S3 another. */
export interface BlobStore {
  /** Durable when it resolves; when it rejects, nothing is there. Throws PAYLOAD_TOO_LARGE or STORAGE_FULL. */
  write(
    key: BlobKey,
    body: Readable | Uint8Array,
    maxBytes: number,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string }>;
  /** Throws NOT_FOUND when there are no such bytes. */
  read(key: BlobKey): Promise<Readable>;
  /** Deleting what is not there is fine. */
  delete(key: BlobKey): Promise<void>;
  /** Every blob last written before `before`, in batches. */
  list(before: Date): AsyncIterable<readonly BlobKey[]>;
  /** Removes what interrupted writes left before `before`; returns how much. */
  clearUnfinished(before: Date): Promise<number>;
  ping(): Promise<void>;
}
