/** A refusal says what the file is and what to do instead, in words that people use. */
import type { AppError } from '#kernel/errors';
import { imageErrors } from './errors.ts';
import type { Refusal } from './job.ts';

const choose = 'Choose a JPEG, PNG or WebP file, or save yours as one.';
const explanations: Readonly<Record<string, string>> = {
  'image/gif': `This is a GIF, which is not accepted. ${choose}`,
  'image/apng': `This is an animated PNG, which is not accepted. ${choose}`,
  'image/heic': `This is a HEIC photo as phones make them, which is not accepted. ${choose} On an iPhone, “Most Compatible” under Settings, Camera, Formats makes JPEG photos.`,
  'image/heif': `This is a HEIF photo as phones make them, which is not accepted. ${choose}`,
  'image/avif': `This is an AVIF picture, which is not accepted. ${choose}`,
  'image/tiff': `This is a TIFF picture, which is not accepted. ${choose}`,
  'image/bmp': `This is a BMP picture, which is not accepted. ${choose}`,
  'application/xml': `This looks like an SVG drawing or another XML file, which is not accepted. ${choose}`,
  'image/svg+xml': `This is an SVG drawing, which is not accepted. ${choose}`,
  'application/pdf': `This is a PDF, which is not accepted. ${choose}`,
};

/** explainRefusal makes the error of a refusal. */
export function explainRefusal(refusal: Refusal, maxPixels: number): AppError {
  const { code, found = '', width, height } = refusal;
  if (code === 'IMAGE_TYPE_REFUSED') {
    const detail = explanations[found];
    return imageErrors.IMAGE_TYPE_REFUSED(detail ? { detail } : {});
  }
  if (code === 'IMAGE_TOO_LARGE' && width && height) {
    const millions = (pixels: number) => Math.max(0.1, Math.round(pixels / 100_000) / 10);
    return imageErrors.IMAGE_TOO_LARGE({
      detail: `This picture has ${width} × ${height} pixels, ${millions(width * height)} million; at most ${millions(maxPixels)} million are read. Make it smaller in a picture editor and choose it again.`,
    });
  }
  return imageErrors[code]();
}
