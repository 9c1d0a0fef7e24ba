/** What server and picture process ask and answer; the server believes no answer that does not fit. */
import { z } from 'zod';

/** ImageJob is one picture to prepare: the longest edge of each size, largest first. */
export interface ImageJob {
  readonly kind: 'avatar' | 'picture';
  readonly edges: readonly number[];
  readonly maxPixels: number;
  readonly timeoutSeconds: number;
}

/** jobAnswer is the header of an answer; a `done` is followed by the bytes of its sizes, one after the other. */
export const jobAnswer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({
    type: z.literal('done'),
    sizes: z
      .array(
        z.strictObject({
          edge: z.int().min(1),
          width: z.int().min(1).max(16_383),
          height: z.int().min(1).max(16_383),
          bytes: z.int().min(1),
        }),
      )
      .min(1)
      .max(10),
  }),
  z.strictObject({
    type: z.literal('refused'),
    code: z.enum(['IMAGE_TYPE_REFUSED', 'IMAGE_TOO_LARGE', 'IMAGE_UNREADABLE', 'IMAGE_TIMEOUT']),
    /** What the bytes seem to be: a media type. */
    found: z.string().max(100).optional(),
    width: z.int().optional(),
    height: z.int().optional(),
  }),
]);

export type JobAnswer = z.infer<typeof jobAnswer>;
export type Refusal = Extract<JobAnswer, { type: 'refused' }>;
