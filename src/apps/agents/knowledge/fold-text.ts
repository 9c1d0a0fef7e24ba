/** Folding makes what people type and what documents hold comparable: one case, no accents, words of scripts without spaces set apart. */

const scriptsWithoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
let segmenter: Intl.Segmenter | undefined;

function splitWords(run: string): string {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'word' });
  return ` ${Array.from(segmenter.segment(run), (part) => part.segment).join(' ')} `;
}

/**
 * foldText returns the text as it is searched: NFKD without combining marks, lower case. It happens here and not in
 * PostgreSQL because `lower` and `unaccent` there depend on the locale and on extensions an installation may not have.
 */
export function foldText(text: string): string {
  return text
    .replaceAll('\u0000', '')
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll(scriptsWithoutSpaces, splitWords);
}

/** Words that say nothing about the subject, in the languages most often met; others are made harmless by their frequency. */
const stopWords = new Set(
  (
    'a an and any are as at be been but by can could did do does for from had has have how i if in into is it its just me my no not of on or our please she he so some tell than that the their them then there these they this to us was we were what when where which who why will with would you your about ' +
    'aber als am an auch auf aus bei bin bis bist da das dass dein dem den der des die dir doch du ein eine einem einen einer es euch fur hat habe haben ich ihr im in ist ja kann konnen man mein mich mir mit nach nein nicht noch nur oder sich sie sind so um und uns von war was wann warum wenn wer werden wie wieder wir wird wo zu zum zur ' +
    'au aux avec ce ces dans de des du elle en est et eux il ils je la le les leur lui ma mais mes moi mon ne nos notre nous on ou par pas pour qu que qui quoi quand comment sa se ses son sont sur ta te tes toi ton tu un une vos votre vous ' +
    'con como cual cuando de del donde el ella en era es esta este esto hay la las lo los mas me mi mis muy no nos para pero por porque que quien se ser si sin sobre son su sus te tu un una uno y ya ' +
    'che chi ci come con cosa da dal dei del della di dove e gli ha ho i il in io la le lo ma mi nel non per piu quale quando questo se si sono sta su un una ' +
    'aan als bij dan dat de die dit een en er het hoe ik in is je kan met mijn naar niet of om ons ook op te tot uit van voor waar wat we wel wie ze zijn ' +
    'ao as com como da das de do dos e em eu foi mais mas na nas no nos o os ou para pela por quando que se sem seu sua um uma'
  ).split(' '),
);

const maxTerms = 24;

/** toTerms returns the distinct words of a question worth looking for, folded, at most 24, the longest first. */
export function toTerms(question: string): string[] {
  const words = foldText(question).match(/[\p{L}\p{N}]+(?:[._@+-][\p{L}\p{N}]+)*/gu) ?? [];
  const wanted = new Set(words.filter((word) => !stopWords.has(word) && word.length <= 64));
  return [...wanted].toSorted((one, other) => other.length - one.length).slice(0, maxTerms);
}

/**
 * toPrefix cuts the end off a long word, so that its other forms are found in languages whose stems PostgreSQL is not
 * told (`lieferzeiten` finds `lieferzeit`); the match counts half of an exact one.
 */
export function toPrefix(word: string): string {
  if (!/^\p{L}+$/u.test(word)) return word;
  if (word.length >= 8) return word.slice(0, -2);
  return word.length >= 5 ? word.slice(0, -1) : word;
}
