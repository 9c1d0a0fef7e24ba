/** The part of a picture that is used becomes a small file in the page: little is sent, and nothing of where it was taken. */

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface ShrinkRules {
  readonly maxEdge: number;
  readonly maxBytes: number;
}

export interface ShrunkPicture {
  readonly file: File;
  readonly width: number;
  readonly height: number;
}

const qualities = [0.9, 0.8, 0.65];
/** Each round of too many bytes makes the picture so much smaller. */
const shrinkStep = 0.75;
const maxRounds = 6;

/** fitInto scales dimensions down so that the longer edge is `maxEdge` at most; whole pixels, one at least. */
export function fitInto(width: number, height: number, maxEdge: number): { width: number; height: number } {
  const scale = Math.min(1, maxEdge / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** shrinkPicture draws an area of a picture and encodes it within the rules. Throws when the browser gives no memory for it. */
export async function shrinkPicture(source: ImageBitmap, area: Area, rules: ShrinkRules): Promise<ShrunkPicture> {
  let edge = rules.maxEdge;
  for (let round = 0; round < maxRounds; round += 1) {
    const { width, height } = fitInto(area.width, area.height, edge);
    const canvas = draw(source, area, width, height);
    for (const quality of qualities) {
      const file = await encode(canvas, quality);
      if (file.size <= rules.maxBytes) return { file, width, height };
    }
    edge = Math.floor(Math.max(width, height) * shrinkStep);
  }
  throw new Error('the picture stays too large');
}

function draw(source: ImageBitmap, area: Area, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no memory for a canvas');
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, area.x, area.y, area.width, area.height, 0, 0, width, height);
  return canvas;
}

/** encode makes WebP; a browser that cannot gives PNG instead, which would be far too large, so that it makes JPEG. */
async function encode(canvas: HTMLCanvasElement, quality: number): Promise<File> {
  const webp = await toBlob(canvas, 'image/webp', quality);
  if (webp.type === 'image/webp') return new File([webp], 'picture.webp', { type: webp.type });
  const opaque = document.createElement('canvas');
  opaque.width = canvas.width;
  opaque.height = canvas.height;
  const context = opaque.getContext('2d');
  if (!context) throw new Error('no memory for a canvas');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, opaque.width, opaque.height);
  context.drawImage(canvas, 0, 0);
  return new File([await toBlob(opaque, 'image/jpeg', quality)], 'picture.jpg', { type: 'image/jpeg' });
}

function toBlob(canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the canvas gave no picture'))), type, quality);
  });
}
