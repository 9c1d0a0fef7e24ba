/** PDF pages come out one at a time as text with paragraphs, so that a long file never stands in memory whole. */
import { getDocumentProxy } from 'unpdf';

/** PdfProblem is why a PDF gave no text; the code is one of the application's error table. */
export class PdfProblem extends Error {
  readonly code: 'DOCUMENT_ENCRYPTED' | 'DOCUMENT_DAMAGED';
  constructor(code: PdfProblem['code'], cause: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

interface TextItem {
  readonly str: string;
  readonly hasEOL: boolean;
  readonly height: number;
  readonly transform: readonly number[];
}

/** joinItems turns positioned pieces of text into lines; a gap of more than 1.6 line heights is a new paragraph. */
function joinItems(items: readonly TextItem[]): string {
  let text = '';
  /** Where the last piece stood; NaN before the first, so that no comparison with it holds. */
  let lineY = Number.NaN;
  for (const item of items) {
    const y = item.transform[5] ?? 0;
    const isNewLine = Math.abs(y - lineY) > 1;
    if (isNewLine && item.height > 0 && Math.abs(y - lineY) > item.height * 1.6) text = `${text.trimEnd()}\n\n`;
    else if (isNewLine && !text.endsWith('\n')) text += '\n';
    text += item.str;
    if (item.hasEOL && !text.endsWith('\n')) text += '\n';
    if (item.str !== '') lineY = y;
  }
  return text
    .replaceAll('\u0000', '')
    .replaceAll(/(\p{Ll})-\n(\p{Ll})/gu, '$1$2') // words broken at the end of a line
    .trim();
}

export interface PdfPage {
  readonly number: number;
  readonly pageCount: number;
  readonly text: string;
}

async function open(bytes: Uint8Array) {
  try {
    return await getDocumentProxy(bytes, {
      useSystemFonts: false,
      disableFontFace: true,
      stopAtErrors: false,
      verbosity: 0,
    });
  } catch (error) {
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    throw new PdfProblem(isLocked ? 'DOCUMENT_ENCRYPTED' : 'DOCUMENT_DAMAGED', error);
  }
}

/** readPdf yields the pages of a PDF in order. Throws PdfProblem. */
export async function* readPdf(bytes: Uint8Array): AsyncGenerator<PdfPage> {
  const pdf = await open(bytes);
  for (let number = 1; number <= pdf.numPages; number += 1) {
    let text: string;
    try {
      const page = await pdf.getPage(number);
      const content = await page.getTextContent();
      text = joinItems(content.items.filter((item) => 'str' in item) as TextItem[]);
      page.cleanup();
    } catch (error) {
      throw new PdfProblem('DOCUMENT_DAMAGED', error);
    }
    yield { number, pageCount: pdf.numPages, text };
  }
}
