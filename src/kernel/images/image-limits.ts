/** limitsOf is what an installation accepts as a picture, in the units code works with. */
import type { Config } from '#kernel/config';
import type { ImageLimits } from './types.ts';

/** imageMaxBytesOf is the size of the largest file that is taken for a picture, for routes that receive one. */
export function imageMaxBytesOf({ imageMaxMb }: Pick<Config, 'imageMaxMb'>): number {
  return imageMaxMb * 1_048_576;
}

/** limitsOf reads the bounds from the settings. */
export function limitsOf(
  config: Pick<Config, 'imageMaxMb' | 'imageMaxEdge' | 'imageMaxPixels' | 'imageTimeoutSeconds'>,
): ImageLimits {
  return {
    maxBytes: imageMaxBytesOf(config),
    maxEdge: config.imageMaxEdge,
    maxPixels: config.imageMaxPixels,
    timeoutMilliseconds: config.imageTimeoutSeconds * 1_000,
  };
}
