/** Documents are cut where their own structure cuts them (headings, paragraphs, sentences) into overlapping passages of about 1,200 characters. */

/** Block is one paragraph with what stands above it. */
export interface Block {
  readonly text: string;
  readonly headings: readonly string[];
  readonly page: number | null;
}

/** Piece is a passage before it has an id: text, the headings it stands under and the page it begins on. */
export interface Piece {
  readonly text: string;
  readonly headings: readonly string[];
  readonly page: number | null;
}

export const passageCharacters = 1_200;
const overlapCharacters = 150;
const maxHeadingCharacters = 200;

/** toBlocks splits plain text or Markdown into paragraphs; Markdown headings become the path of what follows them. */
export function* toBlocks(
  text: string,
  options: { readonly isMarkdown: boolean; readonly page?: number },
): Generator<Block> {
  const page = options.page ?? null;
  const path: string[] = [];
  let lines: string[] = [];
  let fence: string | null = null;
  const flush = (): Block | null => {
    const paragraph = lines.join('\n').trim();
    lines = [];
    return paragraph === '' ? null : { text: paragraph, headings: path.filter((heading) => heading !== ''), page };
  };
  for (const line of text.split(/\r\n|[\n\r\f\u2028\u2029]/)) {
    const mark = options.isMarkdown ? (/^ {0,3}(```+|~~~+)/.exec(line)?.[1] ?? null) : null;
    if (mark !== null && (fence === null || mark.startsWith(fence))) fence = fence === null ? mark : null;
    const heading = options.isMarkdown && fence === null ? /^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$/.exec(line) : null;
    if (!heading && (line.trim() !== '' || fence !== null)) {
      lines.push(line.trimEnd());
      continue;
    }
    const block = flush();
    if (block) yield block;
    if (heading) {
      const [, marks = '', title = ''] = heading;
      path.length = Math.min(path.length, marks.length - 1);
      while (path.length < marks.length - 1) path.push('');
      path.push(title.slice(0, maxHeadingCharacters));
    }
  }
  const block = flush();
  if (block) yield block;
}

/** cutLong splits a text that is too long for one passage at the last line, sentence or word end that fits. */
function* cutLong(text: string): Generator<string> {
  let rest = text;
  while (rest.length > passageCharacters) {
    const window = rest.slice(0, passageCharacters);
    const half = passageCharacters / 2;
    const ends = [
      window.lastIndexOf('\n'),
      Math.max(...['. ', '! ', '? ', '。', '！', '？'].map((end) => window.lastIndexOf(end))) + 1,
      window.lastIndexOf(' '),
    ];
    let end = ends.find((place) => place > half) ?? passageCharacters;
    // Never cut a surrogate pair in two.
    if (/[\uD800-\uDBFF]$/.test(rest.slice(0, end))) end -= 1;
    yield rest.slice(0, end).trim();
    rest = rest.slice(end).trim();
  }
  if (rest !== '') yield rest;
}

/** tailOf returns the last words of a passage, repeated at the head of the next so that no sentence is lost between them. */
function tailOf(text: string): string {
  if (text.length <= overlapCharacters) return '';
  const tail = text.slice(-overlapCharacters);
  const start = tail.search(/(?<=[.!?。]\s)|\s/);
  return start < 0 ? '' : tail.slice(start).trim();
}

function isSamePath(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((heading, index) => heading === other[index]);
}

/** splitPassages joins short blocks under the same headings and cuts long ones; passages never cross a heading. */
export function* splitPassages(blocks: Iterable<Block>): Generator<Piece> {
  let text = '';
  let isOnlyOverlap = true;
  let first: Block | null = null;
  for (const block of blocks) {
    if (first && !isSamePath(first.headings, block.headings)) {
      if (!isOnlyOverlap) yield { text, headings: first.headings, page: first.page };
      text = '';
      first = null;
    }
    for (const part of cutLong(block.text)) {
      if (first && text.length + part.length + 2 > passageCharacters) {
        if (!isOnlyOverlap) yield { text, headings: first.headings, page: first.page };
        const overlap = tailOf(text);
        text = overlap.length + part.length + 2 <= passageCharacters ? overlap : '';
        first = null;
      }
      text = text === '' ? part : `${text}\n\n${part}`;
      isOnlyOverlap = false;
      first ??= block;
    }
  }
  if (first && !isOnlyOverlap) yield { text, headings: first.headings, page: first.page };
}
