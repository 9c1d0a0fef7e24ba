/** The shape of object storage: bytes live here, never in the database; rows hold the object's id. */
import type { Readable } from 'node:stream';
import type { TenantScope, Tx } from '#kernel/db';

export interface StoredObject {
  readonly id: string;
  readonly tenantId: string;
  readonly contentType: string;
  readonly sizeBytes: number;
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

export interface ObjectStore {
  /** Streams the bytes to the store, fsyncs, then records the object in its own transaction. */
  put(scope: TenantScope, object: NewObject): Promise<StoredObject>;
  find(scope: TenantScope, id: string): Promise<StoredObject | null>;
  /** Opens the bytes of an object of this tenant. */
  read(scope: TenantScope, id: string): Promise<Readable>;
  readAll(scope: TenantScope, id: string): Promise<Uint8Array>;
  /** Deletes the row in the caller's transaction; the bytes go after commit (a sweeper removes leftovers). */
  remove(tx: Tx, id: string): Promise<void>;
  /** A signed, expiring path under `/api/v1/files/`, valid for this tenant's signed-in users only. */
  signUrl(scope: TenantScope, id: string, lifetimeSeconds: number): string;
  /** Rejects when the store cannot be written, for /readyz. */
  ping(): Promise<void>;
}
