/** A file is looked at before anything is sent: what cannot be used is refused in words that say what to do instead. */
import { formatBytes } from '../format.ts';

/** More than any phone's photo; decoding larger ones would freeze the page. */
const maxInputBytes = 60_000_000;
const usable = 'Choose a JPEG, PNG or WebP file.';

/** PictureRefused carries the sentence to show. */
export class PictureRefused extends Error {}

/** OpenedPicture is a picture the browser could read, upright. Whoever opened it calls `close`. */
export interface OpenedPicture {
  readonly name: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly bitmap: ImageBitmap;
  /** For an `<img>`. */
  readonly url: string;
  readonly close: () => void;
}

const isAt = (head: Uint8Array, at: number, text: string): boolean =>
  [...text].every((letter, index) => head[at + index] === letter.charCodeAt(0));

/** sniffPicture names the kind of a file by its first bytes, 32 at least; null for what is no picture it knows. */
export function sniffPicture(head: Uint8Array): string | null {
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'JPEG';
  if (isAt(head, 1, 'PNG\r\n')) return 'PNG';
  if (isAt(head, 0, 'RIFF') && isAt(head, 8, 'WEBP')) return 'WebP';
  if (isAt(head, 0, 'GIF8')) return 'GIF';
  if (isAt(head, 0, 'BM')) return 'BMP';
  if (isAt(head, 0, 'II*') || isAt(head, 0, 'MM\0*')) return 'TIFF';
  if (isAt(head, 0, '%PDF')) return 'PDF';
  if (isAt(head, 4, 'ftyp')) return isAt(head, 8, 'avif') ? 'AVIF' : 'HEIC';
  const text = new TextDecoder().decode(head).trimStart();
  return text.startsWith('<svg') || text.startsWith('<?xml') ? 'SVG' : null;
}

/** Kinds that some browsers can turn into a usable picture themselves: worth a try. */
const tried = new Set(['JPEG', 'PNG', 'WebP', 'HEIC', 'AVIF']);

/** refusalOf says why a file is no use before it is decoded, or null. */
export function refusalOf(kind: string | null, bytes: number): string | null {
  if (bytes === 0) return 'The file is empty. Choose another one.';
  if (kind === null) return `This file is not a picture. ${usable}`;
  if (!tried.has(kind)) {
    const article = kind === 'SVG' ? 'an' : 'a';
    return `This is ${article} ${kind} file, which cannot be used here. ${usable}`;
  }
  if (bytes > maxInputBytes)
    return `This picture has ${formatBytes(bytes)}; more than ${formatBytes(maxInputBytes)} cannot be opened here. Make it smaller in a picture editor first.`;
  return null;
}

function unreadable(kind: string | null): string {
  if (kind === 'HEIC')
    return 'This is a HEIC photo, as iPhones make them, and this browser cannot read it. Save it as JPEG; or on the phone choose “Most Compatible” under Settings, Camera, Formats.';
  if (kind === 'AVIF') return `This browser cannot read AVIF pictures. ${usable}`;
  return 'This picture is damaged or incomplete. Open it in a picture editor, save it again and choose the new file.';
}

/** openPicture judges a file by its content and decodes it, upright. Throws PictureRefused. */
export async function openPicture(file: File): Promise<OpenedPicture> {
  const kind = sniffPicture(new Uint8Array(await file.slice(0, 64).arrayBuffer()));
  const refusal = refusalOf(kind, file.size);
  if (refusal) throw new PictureRefused(refusal);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    throw new PictureRefused(unreadable(kind), { cause: error });
  }
  const url = URL.createObjectURL(file);
  const { width, height } = bitmap;
  return {
    name: file.name,
    bytes: file.size,
    width,
    height,
    bitmap,
    url,
    close() {
      bitmap.close();
      URL.revokeObjectURL(url);
    },
  };
}
