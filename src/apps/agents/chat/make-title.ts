/** A conversation is named after its first question, in 50 characters at most and never in the middle of a word. */

const maxTitleCharacters = 50;

/** makeTitle returns the beginning of the question without Markdown marks; cut titles end in an ellipsis. */
export function makeTitle(question: string): string {
  const plain = question
    .slice(0, 1_000)
    .replaceAll(/```[\s\S]*?(```|$)/g, ' ')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/(^|\s)[#>*+-]+\s+/g, ' ')
    .replaceAll(/(\*{1,3}|_{1,3}|~~|`+)(\S(?:.*?\S)?)\1/g, '$2')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  const characters = Array.from(plain === '' ? question.slice(0, 1_000).replaceAll(/\s+/g, ' ').trim() : plain);
  if (characters.length <= maxTitleCharacters) return characters.join('');
  const start = characters.slice(0, maxTitleCharacters - 1).join('');
  const isWordEnd = characters[maxTitleCharacters - 1] === ' ';
  const lastSpace = isWordEnd ? start.length : start.lastIndexOf(' ');
  const cut = lastSpace > start.length / 3 ? start.slice(0, lastSpace) : start;
  return `${cut.replace(/[\s.,;:!?–-]+$/u, '')}…`;
}
