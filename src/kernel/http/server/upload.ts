/** An upload is one file in a multipart body, handed to the handler as a stream and cut off at its bound. */
import type { FastifyRequest } from 'fastify';
import { kernelErrors } from '#kernel/errors';
import type { UploadedFile } from '../types.ts';
import { invalidBody } from './validate.ts';

/** Room for the boundary and the part's headers around the file. */
const multipartOverheadBytes = 64 * 1024;

/** checkUploadSize refuses by the declared length, before a byte of the file is read. */
export function checkUploadSize(request: FastifyRequest, maxBytes: number): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes + multipartOverheadBytes) throw tooLarge(maxBytes);
}

/** tooLarge says how large a file may be. */
export function tooLarge(maxBytes: number): Error {
  return kernelErrors.PAYLOAD_TOO_LARGE({
    detail: `The file is larger than ${Math.floor(maxBytes / 1024 / 1024)} MiB, the largest accepted here.`,
  });
}

/** readUpload returns the file part named `file`. Throws INVALID_REQUEST when the body holds anything else. */
export async function readUpload(request: FastifyRequest, maxBytes: number): Promise<UploadedFile> {
  if (!request.isMultipart())
    throw kernelErrors.UNSUPPORTED_MEDIA_TYPE({ detail: 'Send multipart/form-data with one part named `file`.' });
  const part = await request.file({ limits: { fileSize: maxBytes, files: 1, fields: 0, parts: 1, headerPairs: 20 } });
  if (!part) throw invalidBody('The form has no file. Send one part named `file`.');
  if (part.fieldname !== 'file') {
    part.file.resume();
    throw invalidBody('The file must be in the part named `file`.');
  }
  // The parser would otherwise end the stream there as if the file were whole.
  part.file.on('limit', () => part.file.destroy(tooLarge(maxBytes)));
  return { filename: part.filename.slice(0, 500), claimedType: part.mimetype.slice(0, 200), stream: part.file };
}

/** discardUpload lets the rest of a refused body run off, so that the client gets to read the answer. */
export function discardUpload(request: FastifyRequest): void {
  if (request.raw.readableEnded) return;
  request.raw.unpipe();
  request.raw.resume();
}
