/** An answer's `[n]` marks are tied to the passages it was given; a number that was never given points at nothing. */
import type { Citation } from '../contract.ts';
import type { FoundPassage } from '../knowledge/search-passages.ts';

const excerptCharacters = 280;

function toExcerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= excerptCharacters) return line;
  const cut = line.slice(0, excerptCharacters);
  // Half of a surrogate pair is no character, and jsonb refuses it.
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), excerptCharacters / 2)).trimEnd()}…`.toWellFormed();
}

/** toCitations numbers passages from 1, in the order the model is shown them. */
export function toCitations(passages: readonly FoundPassage[]): Citation[] {
  return passages.map((passage, index) => ({
    number: index + 1,
    passageId: passage.id,
    documentId: passage.documentId,
    documentTitle: passage.documentTitle,
    page: passage.page,
    excerpt: toExcerpt(passage.text),
  }));
}

/** pickUsed returns the citations that the text points at as `[1]`, `[1, 2]` or `[1][2]`, outside of code. */
export function pickUsed(text: string, citations: readonly Citation[]): Citation[] {
  const prose = text.replaceAll(/```[\s\S]*?(```|$)/g, ' ').replaceAll(/`[^`\n]*`/g, ' ');
  const used = new Set<number>();
  for (const [, numbers = ''] of prose.matchAll(/\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?!\()/g)) {
    for (const number of numbers.split(/[,;]/)) used.add(Number(number));
  }
  return citations.filter((citation) => used.has(citation.number));
}
