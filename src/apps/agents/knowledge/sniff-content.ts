/** A file's type is judged by its bytes, never by its name or by what the browser claims. */
import type { AppError } from '#kernel/errors';
import type { Document } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { hasUtf16Mark, looksBinary } from './decode-text.ts';

/** sniffBytes is how much of the beginning the judgement needs. */
export const sniffBytes = 16 * 1024;

export type ContentType = Document['contentType'];

const markdownNames = /\.(md|markdown|mdown|mkd)$/i;
const readableNames: Readonly<Record<string, string>> = {
  'application/zip': 'a ZIP archive',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'a Word document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'an Excel workbook',
};

function unsupported(what: string): AppError {
  return agentsErrors.DOCUMENT_TYPE_UNSUPPORTED({
    detail: `This is ${what}. Only text, Markdown and PDF files can be read.`,
  });
}

/**
 * sniffContent returns the type of a file from its first `sniffBytes` bytes; the name only tells Markdown from plain
 * text. Throws DOCUMENT_EMPTY, DOCUMENT_TYPE_UNSUPPORTED or DOCUMENT_NOT_TEXT.
 */
export async function sniffContent(head: Uint8Array, filename: string): Promise<ContentType> {
  if (head.length === 0) throw agentsErrors.DOCUMENT_EMPTY();
  // PDF allows up to 1,024 bytes of anything before its header.
  if (Buffer.from(head.subarray(0, 1_024)).includes('%PDF-')) return 'application/pdf';
  const text: ContentType = markdownNames.test(filename) ? 'text/markdown' : 'text/plain';
  if (hasUtf16Mark(head)) return text;
  // Loaded on the first upload: a server that starts does not wait for it.
  const { fileTypeFromBuffer } = await import('file-type');
  const known = await fileTypeFromBuffer(head);
  if (known && !known.mime.startsWith('text/'))
    throw unsupported(readableNames[known.mime] ?? `a file of type ${known.mime}`);
  if (looksBinary(head)) throw agentsErrors.DOCUMENT_NOT_TEXT();
  if (/^\uFEFF?\s*<(!doctype html|html)[\s>]/i.test(Buffer.from(head.subarray(0, 512)).toString('utf8')))
    throw unsupported('an HTML page');
  return text;
}
