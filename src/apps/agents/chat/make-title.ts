/** A conversation is named after its first question, in 50 characters at most and never in the middle of a word or a character. */

const maxTitleCharacters = 50;
/** As long as a title that a person types may be: what people see as one character can be dozens of code units. */
const maxTitleUnits = 200;
const lookedAtUnits = 1_000;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** countFitting tells how many characters from the beginning a title has room for. */
function countFitting(characters: readonly string[]): number {
  let units = 0;
  const tooLong = characters.findIndex((character, index) => {
    units += character.length;
    return index === maxTitleCharacters || units > maxTitleUnits;
  });
  return tooLong < 0 ? characters.length : tooLong;
}

/** removeMarks leaves out what Markdown adds to words. */
function removeMarks(text: string): string {
  return text
    .replaceAll(/```[\s\S]*?(```|$)/g, ' ')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/(^|\s)[#>*+-]+\s+/g, ' ')
    .replaceAll(/(\*{1,3}|_{1,3}|~~|`+)(\S(?:.*?\S)?)\1/g, '$2')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** makeTitle returns the beginning of the question without Markdown marks; cut titles end in an ellipsis. */
export function makeTitle(question: string): string {
  // The cut may fall inside a surrogate pair, whose first half would be all that is left of the text.
  const beginning = question.slice(0, lookedAtUnits).replace(/[\ud800-\udbff]$/, '');
  const text = removeMarks(beginning) || beginning.replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  const room = countFitting(characters);
  if (room === characters.length) return text;
  const start = characters.slice(0, Math.max(0, room - 1)).join('');
  const isWordEnd = characters[room - 1] === ' ';
  const lastSpace = isWordEnd ? start.length : start.lastIndexOf(' ');
  const cut = lastSpace > start.length / 3 ? start.slice(0, lastSpace) : start;
  return `${cut.replace(/[\s.,;:!?–-]+$/u, '')}…`;
}
