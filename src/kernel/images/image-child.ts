/**
 * The program of the process that touches untrusted pictures: jobs come in on standard input, answers go out on standard
 * output. It holds no secrets, reads and writes no files of ours, and may be killed at any time.
 */
import { fileTypeFromBuffer } from 'file-type';
import sharp, { type Sharp } from 'sharp';
import { readFrames, writeFrame } from './frames.ts';
import type { ImageJob, JobAnswer, Refusal } from './job.ts';

/** More than any setting allows; the server has checked the size before it sent a byte. */
const maxInputBytes = 1024 * 1_048_576;
const nobody = 65_534;
const decoders: Readonly<Record<string, string>> = { 'image/jpeg': 'jpeg', 'image/png': 'png', 'image/webp': 'webp' };

class Refused extends Error {
  readonly refusal: Omit<Refusal, 'type'>;
  constructor(refusal: Omit<Refusal, 'type'>) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

/** prepareProcess leaves the libraries loaded and everything else behind: root's rights, caches, and all other decoders. */
function prepareProcess(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'],
  });
  if (process.getuid?.() !== 0) return;
  try {
    process.setgroups?.([]);
    process.setgid?.(nobody);
    process.setuid?.(nobody);
  } catch {
    // A container's root without the right to change its user has few rights to leave behind.
  }
}

/** judge names the type by the content and reads the dimensions from the header, before any pixel is decoded. */
async function judge(input: Buffer, maxPixels: number): Promise<void> {
  const type = await fileTypeFromBuffer(input).catch(() => undefined);
  const decoder = decoders[type?.mime ?? ''];
  if (!decoder) throw new Refused({ code: 'IMAGE_TYPE_REFUSED', ...(type ? { found: type.mime.slice(0, 100) } : {}) });
  const { format, width, height } = await sharp(input, { limitInputPixels: false, pages: 1 }).metadata();
  if (format !== decoder) throw new Refused({ code: 'IMAGE_UNREADABLE' });
  if (width * height > maxPixels) throw new Refused({ code: 'IMAGE_TOO_LARGE', width, height });
}

/** scale fits a picture into a square of `edge`, or cuts the square out of its middle. Nothing is ever enlarged. */
function scale(image: Sharp, edge: number, kind: ImageJob['kind'], shorterEdge: number): Sharp {
  if (kind === 'picture') return image.resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true });
  const side = Math.min(edge, shorterEdge);
  return image.resize({ width: side, height: side, fit: 'cover' });
}

/** prepare decodes once and encodes each size from the largest. Metadata and colour profile stay behind: the pixels are sRGB. */
async function prepare(input: Buffer, job: ImageJob) {
  await judge(input, job.maxPixels);
  const [largest = 0, ...smaller] = job.edges;
  const decoded = sharp(input, { limitInputPixels: job.maxPixels, pages: 1, failOn: 'error' }).autoOrient();
  const { width, height, hasAlpha } = await decoded.metadata();
  const upright = scale(decoded, largest, job.kind, Math.min(width, height)).toColourspace('srgb');
  const { data, info } = await upright
    .timeout({ seconds: job.timeoutSeconds })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
  const longest = Math.max(info.width, info.height);
  const sizes = [];
  for (const edge of [largest, ...smaller.filter((size) => size < longest)]) {
    const image = edge === largest ? sharp(data, raw) : scale(sharp(data, raw), edge, 'picture', edge);
    // Drawings with transparent parts show the artefacts that photographs hide.
    const encoded = await image
      .webp({ quality: hasAlpha ? 90 : 82, smartSubsample: true, effort: 3 })
      .toBuffer({ resolveWithObject: true });
    sizes.push({ edge, width: encoded.info.width, height: encoded.info.height, data: encoded.data });
  }
  return sizes;
}

function refusalOf(error: unknown): Omit<Refusal, 'type'> {
  if (error instanceof Refused) return error.refusal;
  const message = error instanceof Error ? error.message : '';
  if (/pixel limit/i.test(message)) return { code: 'IMAGE_TOO_LARGE' };
  return { code: /timeout/i.test(message) ? 'IMAGE_TIMEOUT' : 'IMAGE_UNREADABLE' };
}

function answer(header: JobAnswer, bodies: readonly Uint8Array[] = []): void {
  writeFrame(process.stdout, header, bodies);
}

prepareProcess();
answer({ type: 'ready' });
for await (const { header, body } of readFrames(process.stdin, maxInputBytes)) {
  try {
    const sizes = await prepare(body, header as ImageJob);
    answer(
      { type: 'done', sizes: sizes.map(({ data, ...size }) => ({ ...size, bytes: data.length })) },
      sizes.map(({ data }) => data),
    );
  } catch (error) {
    answer({ type: 'refused', ...refusalOf(error) });
  }
}
