/** The HTTP contract of files: one operation that serves the bytes behind a signed link. */
import { z } from 'zod';
import { defineContract, id } from '#kernel/contract';

export const filesContract = defineContract({
  'GET /upload-limits': {
    summary: 'How large files and pictures may be',
    response: z.strictObject({
      fileMaxBytes: z.int(),
      pictureMaxBytes: z.int(),
      pictureMaxEdge: z.int().describe('Pixels of the longer edge that are kept'),
    }),
  },
  'GET /files/{fileId}': {
    summary: 'Download a file by a signed link',
    binary: true,
    params: z.strictObject({ fileId: id }),
    query: z.strictObject({
      expires: z.coerce.number().int().min(0).max(253_402_300_799).describe('Unix seconds at which the link ends'),
      signature: z
        .string()
        .regex(/^[A-Za-z0-9_-]{43}$/)
        .describe('Made by the server with the link'),
    }),
  },
});
