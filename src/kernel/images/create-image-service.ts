/** Untrusted pictures become our own WebP files or a clear refusal; the server itself never decodes a pixel. */
import type { Readable } from 'node:stream';
import type { Config } from '#kernel/config';
import type { Database, TenantScope, Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import type { ObjectStore, StoredObject } from '#kernel/storage';
import { imageErrors } from './errors.ts';
import { ImagePool, type PoolOptions } from './image-pool.ts';
import { WorkerFailed, type JobResult } from './image-worker.ts';
import type { ImageJob } from './job.ts';
import { explainRefusal } from './explain-refusal.ts';
import { limitsOf } from './image-limits.ts';
import type { EncodedImage, ImageService, OpenImage, ProcessOptions, StoredImage } from './types.ts';

export interface ImageServiceOptions {
  readonly config: Pick<Config, 'imageMaxMb' | 'imageMaxEdge' | 'imageMaxPixels' | 'imageTimeoutSeconds'>;
  readonly db: Pick<Database, 'withTenant' | 'withSystem'>;
  readonly log: Logger;
  readonly storage: ObjectStore;
  /** Changes of how processes are run, for tests. */
  readonly pool?: Partial<PoolOptions>;
}

/** Thumbnails: for lists and menus, for cards, for a column of text. */
const thumbnailEdges = [960, 320, 96];
const avatarEdge = 512;
/** Pictures being received, waiting or worked on: so many times the largest file is the memory they may take. */
const maxInHand = 40;
const poolDefaults = { memoryMegabytes: 768, startMilliseconds: 30_000, maxWorkers: 2, idleMilliseconds: 60_000 };

/** CreatedImageService also tells what tests of broken processes ask. */
export type CreatedImageService = ImageService & { readonly pids: readonly number[] };

/** createImageService starts no process yet: the first picture does. */
export function createImageService(options: ImageServiceOptions): CreatedImageService {
  return new PooledImageService(options);
}

class PooledImageService implements CreatedImageService {
  readonly limits;
  readonly #options: ImageServiceOptions;
  readonly #pool: ImagePool;
  #inHand = 0;

  constructor(options: ImageServiceOptions) {
    this.#options = options;
    this.limits = limitsOf(options.config);
    const { timeoutMilliseconds } = this.limits;
    this.#pool = new ImagePool({ ...poolDefaults, timeoutMilliseconds, maxWaiting: maxInHand, ...options.pool });
  }

  get pids(): readonly number[] {
    return this.#pool.pids;
  }

  async process(source: Readable | Uint8Array, { kind, signal }: ProcessOptions): Promise<readonly EncodedImage[]> {
    if (this.#inHand >= maxInHand) {
      throw kernelErrors.UNAVAILABLE({
        retryAfterSeconds: 5,
        detail: 'Many pictures are being uploaded right now. Try again in a few seconds.',
      });
    }
    this.#inHand += 1;
    try {
      const input = await readBounded(source, this.limits.maxBytes);
      if (input.length === 0) throw imageErrors.IMAGE_UNREADABLE({ detail: 'The file is empty. Choose another one.' });
      return splitSizes(await this.#run(this.#jobFor(kind), input, signal));
    } finally {
      this.#inHand -= 1;
    }
  }

  async store(scope: TenantScope, source: Readable | Uint8Array, options: ProcessOptions): Promise<StoredImage> {
    const sizes = await this.process(source, options);
    const [largest] = sizes;
    if (!largest) throw new Error('a processed picture has at least one size');
    const stored: { edge: number; object: StoredObject }[] = [];
    const image = { id: newId(), width: largest.width, height: largest.height };
    try {
      for (const { edge, bytes } of sizes) {
        const object = await this.#options.storage.put(scope, {
          filename: `${options.kind}-${edge}.webp`,
          contentType: 'image/webp',
          body: bytes,
          maxBytes: bytes.length,
        });
        stored.push({ edge, object });
      }
      await this.#options.db.withTenant(scope, (tx) => insertImage(tx, scope, image, stored));
      return image;
    } catch (error) {
      await this.#discard(
        scope,
        stored.map(({ object }) => object.id),
      );
      throw error;
    }
  }

  async keep(tx: Tx, id: string): Promise<void> {
    await tx.query({ text: 'update kernel.images set expires_at = null where id = $1', values: [id] });
  }

  async remove(tx: Tx, id: string): Promise<void> {
    // The sizes go by cascade, their objects by trigger, the bytes by the store's sweeper.
    await tx.query({ text: 'delete from kernel.images where id = $1', values: [id] });
  }

  async open(scope: TenantScope, id: string, edge: number): Promise<OpenImage> {
    const { storage } = this.#options;
    const objectId = pickSize(await this.#readSizes(scope, id), edge);
    const object = objectId ? await storage.find(scope, objectId) : null;
    if (!object) throw kernelErrors.NOT_FOUND();
    return { object, body: await storage.read(scope, object.id) };
  }

  async signUrls(
    scope: TenantScope,
    id: string,
    edges: readonly number[],
    lifetimeSeconds: number,
  ): Promise<readonly string[]> {
    const sizes = await this.#readSizes(scope, id);
    const objectIds = edges.flatMap((edge) => pickSize(sizes, edge) ?? []);
    return objectIds.map((objectId) => this.#options.storage.signUrl(scope, objectId, lifetimeSeconds));
  }

  async sweep(): Promise<number> {
    const rows = await this.#options.db.withSystem('remove pictures nobody kept', (tx) =>
      tx.query({ text: 'delete from kernel.images where expires_at < now() returning id' }),
    );
    return rows.length;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #readSizes(scope: TenantScope, id: string): Promise<readonly SizeRow[]> {
    return this.#options.db.withTenant(scope, (tx) =>
      tx.query<SizeRow>({
        name: 'images-sizes',
        text: `select edge, object_id from kernel.image_sizes where tenant_id = $1 and image_id = $2 order by edge`,
        values: [scope.tenantId, id],
      }),
    );
  }

  #jobFor(kind: ImageJob['kind']): ImageJob {
    const { maxEdge, maxPixels, timeoutMilliseconds } = this.limits;
    const largest = kind === 'avatar' ? Math.min(avatarEdge, maxEdge) : maxEdge;
    const edges = [largest, ...thumbnailEdges.filter((edge) => edge < largest)];
    return { kind, edges, maxPixels, timeoutSeconds: Math.ceil(timeoutMilliseconds / 1_000) };
  }

  async #run(job: ImageJob, input: Uint8Array, signal?: AbortSignal): Promise<JobResult> {
    let result: JobResult;
    try {
      result = await this.#pool.run(job, input, signal);
    } catch (error) {
      if (!(error instanceof WorkerFailed) || error.reason === 'not started') throw error;
      this.#options.log.warn({ err: error, bytes: input.length }, 'a picture process was ended');
      if (error.reason === 'timeout') throw imageErrors.IMAGE_TIMEOUT({ cause: error });
      if (error.reason === 'memory')
        throw imageErrors.IMAGE_TOO_LARGE({
          cause: error,
          detail:
            'This picture takes too much memory to read. Make it smaller in a picture editor and choose it again.',
        });
      throw imageErrors.IMAGE_UNREADABLE({ cause: error });
    }
    if (result.answer.type === 'refused') throw explainRefusal(result.answer, job.maxPixels);
    return result;
  }

  /** The first error is the one to tell; objects nobody owns cost space and nothing else. */
  async #discard(scope: TenantScope, objectIds: readonly string[]): Promise<void> {
    const { db, storage, log } = this.#options;
    try {
      await db.withTenant(scope, async (tx) => {
        for (const id of objectIds) await storage.remove(tx, id);
      });
    } catch (error) {
      log.warn({ err: error, objectIds }, 'the files of a refused picture could not be removed');
    }
  }
}

interface SizeRow {
  readonly edge: number;
  readonly object_id: string;
}

/** pickSize is the object of the smallest size that fills `edge`, else of the largest; `sizes` are in ascending order. */
function pickSize(sizes: readonly SizeRow[], edge: number): string | undefined {
  return (sizes.find((size) => size.edge >= edge) ?? sizes.at(-1))?.object_id;
}

/** readBounded reads the whole of a file that is known to be small. Throws PAYLOAD_TOO_LARGE. */
async function readBounded(source: Readable | Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source instanceof Uint8Array ? [source] : (source as AsyncIterable<Uint8Array>)) {
    size += piece.length;
    if (size > maxBytes) {
      throw kernelErrors.PAYLOAD_TOO_LARGE({
        detail: `The picture is larger than ${Math.floor(maxBytes / 1_048_576)} MB. Make it smaller and choose it again.`,
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** splitSizes cuts the bytes of an answer into its sizes; the lengths must add up. */
function splitSizes({ answer, body }: JobResult): EncodedImage[] {
  if (answer.type !== 'done') throw new Error(`a picture process answered ${answer.type}`);
  let start = 0;
  const sizes = answer.sizes.map(({ bytes, ...size }) => {
    start += bytes;
    return { ...size, bytes: body.subarray(start - bytes, start) };
  });
  if (start !== body.length) throw new Error('a picture process answered lengths that do not add up');
  return sizes;
}

async function insertImage(
  tx: Tx,
  { tenantId, userId }: TenantScope,
  image: StoredImage,
  sizes: readonly { edge: number; object: StoredObject }[],
): Promise<void> {
  await tx.query({
    text: 'insert into kernel.images (id, tenant_id, created_by, width, height) values ($1, $2, $3, $4, $5)',
    values: [image.id, tenantId, userId ?? null, image.width, image.height],
  });
  await tx.query({
    text: `insert into kernel.image_sizes (tenant_id, image_id, edge, object_id)
           select $1, $2, edge, object_id from unnest($3::integer[], $4::uuid[]) as size (edge, object_id)`,
    values: [tenantId, image.id, sizes.map(({ edge }) => edge), sizes.map(({ object }) => object.id)],
  });
}
