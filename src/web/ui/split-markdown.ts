/** Splits Markdown at its top-level blocks, so that while an answer streams only the last block is parsed again. */

const fencePattern = /^ {0,3}(`{3,}|~{3,})/;
const listPattern = /^ {0,3}(?:[-*+]|\d{1,9}[.)])\s/;

/**
 * splitMarkdown cuts at blank lines, but never inside a code fence or a list. Joining the blocks with blank lines gives
 * text that renders the same; link reference definitions work only inside their own block, which model output survives.
 */
export function splitMarkdown(text: string): string[] {
  const blocks: string[] = [];
  let block: string[] = [];
  let fence: string | null = null;
  let isBlank = false;
  for (const line of text.split('\n')) {
    if (fence === null && line.trim() === '') {
      isBlank = block.length > 0;
      if (isBlank) block.push(line);
      continue;
    }
    if (fence === null && isBlank && !continuesList(block, line)) {
      blocks.push(block.join('\n').trimEnd());
      block = [];
    }
    isBlank = false;
    block.push(line);
    fence = nextFence(fence, line);
  }
  const last = block.join('\n').trimEnd();
  return last ? [...blocks, last] : blocks;
}

/** A list goes on after a blank line with another item or an indented line. */
function continuesList(block: readonly string[], line: string): boolean {
  const isList = listPattern.test(block[0] ?? '');
  return isList && (listPattern.test(line) || /^(?: {2,}|\t)/.test(line));
}

/** A fence is closed by at least as many of the same signs, with nothing behind them. */
function nextFence(open: string | null, line: string): string | null {
  const signs = fencePattern.exec(line.trimStart())?.[1];
  if (open === null) return signs ?? null;
  const closes = signs !== undefined && signs.startsWith(open) && line.trim() === signs;
  return closes ? null : open;
}
