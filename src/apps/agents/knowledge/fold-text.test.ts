/** Questions and documents meet whatever the accents, the case, the word form or a slip of the finger. */
import { expect, test } from 'vitest';
import { correctWords, editDistance } from './correct-words.ts';
import { foldText, toPrefix, toTerms } from './fold-text.ts';

test('[A4] folding removes case and accents and sets apart the words of scripts without spaces', () => {
  expect(foldText('ÜBERGRÖSSE Café naïve Straße')).toBe('ubergrosse cafe naive strasse');
  expect(foldText('配送需要五天').trim().split(/\s+/).length).toBeGreaterThan(1);
});

test('[A4] the words that say nothing are left out, the longest come first, and there are never more than 24', () => {
  expect(toTerms('How long does the shipping take to Norway?')).toEqual(['shipping', 'norway', 'long', 'take']);
  expect(toTerms('Wie lange dauert die Lieferung nach Österreich?')).toEqual([
    'osterreich',
    'lieferung',
    'dauert',
    'lange',
  ]);
  expect(toTerms('is it?')).toEqual([]);
  expect(toTerms(Array.from({ length: 100 }, (_, number) => `word${number}`).join(' '))).toHaveLength(24);
});

test('[A4] long words are cut for their other forms, names with digits are not', () => {
  expect(toPrefix('lieferzeiten')).toBe('lieferzeit');
  expect(toPrefix('tax')).toBe('tax');
  expect(toPrefix('rtx4090')).toBe('rtx4090');
});

test('[A4] a mistyped word becomes the nearest word of the knowledge, or stays', () => {
  expect(editDistance('shiping', 'shipping')).toBe(1);
  expect(editDistance('hte', 'the')).toBe(1);
  const candidates = [
    { word: 'shiping', candidate: 'shipping' },
    { word: 'shiping', candidate: 'sleeping' },
    { word: 'norwya', candidate: 'norway' },
    { word: 'cat', candidate: 'car' },
  ];
  expect(correctWords(candidates)).toEqual(
    new Map([
      ['shiping', 'shipping'],
      ['norwya', 'norway'],
    ]),
  );
});
