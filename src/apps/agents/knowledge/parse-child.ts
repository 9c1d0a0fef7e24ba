/**
 * The program of the process that reads one untrusted file: bytes on standard input, JSON lines on standard output.
 * It holds no secrets, writes no files and may be killed at any time; whatever a hostile file does, it does here.
 */
import { decodeText } from './decode-text.ts';
import { foldText } from './fold-text.ts';
import type { ParsedLine, ParsedPassage } from './parsed-line.ts';
import { PdfProblem, readPdf } from './read-pdf.ts';
import { splitPassages, toBlocks, type Block, type Piece } from './split-passages.ts';

class ParseProblem extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const batchSize = 50;
/** About 20 MB of text; more is a data set, not a document to answer from. */
const maxPassages = 20_000;

async function readInput(): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return new Uint8Array(Buffer.concat(pieces));
}

async function send(line: ParsedLine): Promise<void> {
  const isRoom = process.stdout.write(`${JSON.stringify(line)}\n`);
  if (!isRoom) await new Promise<void>((resolve) => void process.stdout.once('drain', resolve));
}

interface Source {
  readonly blocks: Block[];
  readonly progress: number;
}

async function* readSources(
  bytes: Uint8Array,
  contentType: string,
  pages: { count: number | null },
): AsyncGenerator<Source> {
  if (contentType === 'application/pdf') {
    for await (const page of readPdf(bytes)) {
      pages.count = page.pageCount;
      yield {
        blocks: [...toBlocks(page.text, { isMarkdown: false, page: page.number })],
        progress: (page.number / page.pageCount) * 100,
      };
    }
    return;
  }
  const text = decodeText(bytes);
  if (text === null) throw new ParseProblem('DOCUMENT_NOT_TEXT');
  yield { blocks: [...toBlocks(text, { isMarkdown: contentType === 'text/markdown' })], progress: 100 };
}

/** storable removes what PostgreSQL's text and jsonb refuse: NUL and halves of surrogate pairs. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}

function toPassage(piece: Piece): ParsedPassage {
  const text = storable(piece.text);
  const headings = piece.headings.map(storable);
  return { text, headings, page: piece.page, search: foldText(`${headings.join(' ')} ${text}`) };
}

async function parse(contentType: string): Promise<void> {
  const bytes = await readInput();
  const pages: { count: number | null } = { count: null };
  let count = 0;
  for await (const source of readSources(bytes, contentType, pages)) {
    const pieces = [...splitPassages(source.blocks)];
    for (let start = 0; start < pieces.length; start += batchSize) {
      const items = pieces.slice(start, start + batchSize).map(toPassage);
      count += items.length;
      if (count > maxPassages) throw new ParseProblem('DOCUMENT_TOO_LONG');
      const within = contentType === 'application/pdf' ? 1 : (start + items.length) / pieces.length;
      await send({ type: 'passages', progress: Math.floor(source.progress * within), items });
    }
  }
  if (count === 0) throw new ParseProblem('DOCUMENT_HAS_NO_TEXT');
  await send({ type: 'end', passageCount: count, pageCount: pages.count });
}

try {
  await parse(process.argv[2] ?? '');
} catch (error) {
  const code = error instanceof ParseProblem || error instanceof PdfProblem ? error.code : 'DOCUMENT_DAMAGED';
  await send({ type: 'problem', code });
}
