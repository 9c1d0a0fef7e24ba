/** An upload is one file in a multipart body, handed to the handler as a stream and cut off at its bound. */
import type { FastifyRequest } from 'fastify';
import type { Config } from '#kernel/config';
import { isAppError, kernelErrors } from '#kernel/errors';
import type { Route, UploadedFile } from '../types.ts';
import { findUnstorableText } from './unstorable-text.ts';
import { invalidBody } from './validate.ts';

/** Room for the boundary and the part's headers around the file. */
const multipartOverheadBytes = 64 * 1024;

const onePart = 'Send one part named `file`, with the name of the file, and nothing else.';
/** What the parser calls parts that are not expected; one without a file name is a field to it. Nothing is too large there. */
const wrongParts = new Set(['FST_FIELDS_LIMIT', 'FST_PARTS_LIMIT', 'FST_FILES_LIMIT']);

/** uploadLimitOf is the size of the largest file that a route takes, in bytes. */
export function uploadLimitOf(route: Pick<Route, 'uploadLimitBytes'>, config: Config): number {
  return route.uploadLimitBytes?.(config) ?? config.uploadMaxMb * 1024 * 1024;
}

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
  const limits = { fileSize: maxBytes, files: 1, fields: 0, parts: 1, headerPairs: 20 };
  const part = await request.file({ limits }).catch((error: unknown) => {
    throw wrongParts.has((error as { code?: string }).code ?? '') ? invalidBody(onePart) : toBrokenForm(error);
  });
  if (!part) throw invalidBody(`The form has no file. ${onePart}`);
  if (part.fieldname !== 'file') {
    part.file.resume();
    throw invalidBody('The file must be in the part named `file`.');
  }
  // The parser gives neither when the part's header leaves them empty.
  const { filename = '', mimetype = '' } = part as Partial<typeof part>;
  if (filename === '') {
    part.file.resume();
    throw invalidBody(onePart);
  }
  if (findUnstorableText(filename, 1).length > 0) {
    part.file.resume();
    throw invalidBody('The name of the file must not contain the character NUL (U+0000).');
  }
  // The parser would otherwise end the stream there as if the file were whole.
  part.file.on('limit', () => part.file.destroy(tooLarge(maxBytes)));
  // Cutting may leave half a character, which cannot be stored.
  return { filename: filename.slice(0, 500).toWellFormed(), claimedType: mimetype.slice(0, 200), stream: part.file };
}

/** explainUploadFailure is what to answer when work on a file failed because the form broke off or is no form. */
export function explainUploadFailure(file: UploadedFile | undefined, error: unknown): unknown {
  const cause = file?.stream.errored;
  return cause && !isAppError(error) && !isAppError(cause) ? toBrokenForm(cause) : error;
}

/** The parser's own complaints have no code: no boundary, a boundary too long, an end before the closing boundary. */
function toBrokenForm(error: unknown): unknown {
  if (isAppError(error) || !(error instanceof Error) || 'code' in error) return error;
  const detail = 'The body is not a whole multipart/form-data form. Send the file again.';
  return kernelErrors.INVALID_REQUEST({ detail, errors: [{ pointer: '/body', detail }], cause: error });
}

/** discardUpload lets the rest of a refused body run off, so that the client gets to read the answer. */
export function discardUpload(request: FastifyRequest): void {
  if (request.raw.readableEnded) return;
  request.raw.unpipe();
  request.raw.resume();
}
