/** The shape of pictures: what comes in is judged, decoded and written anew elsewhere; what is kept is only ever our own bytes. */
import type { Readable } from 'node:stream';
import type { TenantScope, Tx } from '#kernel/db';
import type { StoredObject } from '#kernel/storage';

/** ImageKind says what a picture is for: an avatar is cut to a square around its middle, a picture keeps its shape. */
export type ImageKind = 'avatar' | 'picture';

/** EncodedImage is one size of a picture, as WebP without metadata. */
export interface EncodedImage {
  /** What the longer edge was asked to be, in pixels; the picture itself may be smaller, for it is never enlarged. */
  readonly edge: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

export interface ProcessOptions {
  readonly kind: ImageKind;
  /** Aborts when nobody waits for the picture any more. */
  readonly signal?: AbortSignal;
}

/** StoredImage is a picture in the object store. */
export interface StoredImage {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** OpenImage is one size of a stored picture, ready to be sent. */
export interface OpenImage {
  readonly object: StoredObject;
  readonly body: Readable;
}

export interface ImageService {
  /** What is refused, for whoever shows it to people. */
  readonly limits: ImageLimits;
  /**
   * Turns untrusted bytes into upright WebP without metadata, largest size first, in a process of its own. Throws
   * PAYLOAD_TOO_LARGE, IMAGE_TYPE_REFUSED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_TIMEOUT, or UNAVAILABLE when too
   * many wait.
   */
  process(source: Readable | Uint8Array, options: ProcessOptions): Promise<readonly EncodedImage[]>;
  /**
   * Processes and stores a picture with its thumbnails. It is removed after an hour unless it is kept, so that a request
   * that fails later leaves nothing.
   */
  store(scope: TenantScope, source: Readable | Uint8Array, options: ProcessOptions): Promise<StoredImage>;
  /** Keeps a stored picture, in the transaction in which its owner comes to refer to it. */
  keep(tx: Tx, id: string): Promise<void>;
  /** Removes a picture, its thumbnails and all their bytes, in the caller's transaction. */
  remove(tx: Tx, id: string): Promise<void>;
  /** Opens the smallest size that fills `edge` pixels, else the largest. Throws NOT_FOUND. */
  open(scope: TenantScope, id: string, edge: number): Promise<OpenImage>;
  /** Signed, expiring paths for each of the edges, as `ObjectStore.signUrl` makes them; empty when the picture is gone. */
  signUrls(
    scope: TenantScope,
    id: string,
    edges: readonly number[],
    lifetimeSeconds: number,
  ): Promise<readonly string[]>;
  /** Removes what nobody kept. For the sweeper; safe on every process at once. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

/** ImageLimits are the bounds of an installation. */
export interface ImageLimits {
  readonly maxBytes: number;
  /** Pixels of the longer edge that are kept; a larger picture is scaled down. */
  readonly maxEdge: number;
  /** Width times height beyond which nothing is decoded. */
  readonly maxPixels: number;
  readonly timeoutMilliseconds: number;
}
