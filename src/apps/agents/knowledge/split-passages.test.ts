/** Passages follow the structure of the document and lose nothing of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passageCharacters, splitPassages, toBlocks } from './split-passages.ts';

const split = (text: string, isMarkdown = true) => [...splitPassages(toBlocks(text, { isMarkdown }))];

describe('[A3] passages', () => {
  test('carry the path of headings above them and never cross a heading', () => {
    const pieces = split('# Shop\n\nHello.\n\n## Shipping\n\nFive days.\n\n# Legal\n\nText.');
    expect(pieces.map(({ headings, text }) => [headings.join(' > '), text])).toEqual([
      ['Shop', 'Hello.'],
      ['Shop > Shipping', 'Five days.'],
      ['Legal', 'Text.'],
    ]);
  });

  test('a # inside a code fence is code, not a heading', () => {
    const pieces = split('# Install\n\n```sh\n# a comment\n\nnpm start\n```\n\nDone.');
    expect(pieces).toHaveLength(1);
    expect(pieces[0]!.headings).toEqual(['Install']);
    expect(pieces[0]!.text).toContain('# a comment\n\nnpm start');
  });

  test('a # in plain text is text', () => {
    expect(split('# not a heading\n\nbody', false)).toEqual([
      { text: '# not a heading\n\nbody', headings: [], page: null },
    ]);
  });

  test('short paragraphs share a passage; a long text is cut at sentences and overlaps', () => {
    const sentence = (number: number) => `Sentence number ${number} says something of its own.`;
    const text = Array.from({ length: 100 }, (_, number) => sentence(number)).join(' ');
    const pieces = split(text);
    expect(pieces.length).toBeGreaterThan(3);
    for (const piece of pieces) {
      expect(piece.text.length).toBeLessThanOrEqual(passageCharacters);
      expect(piece.text).toMatch(/\.$/);
    }
    expect(split('One.\n\nTwo.\n\nThree.')).toEqual([{ text: 'One.\n\nTwo.\n\nThree.', headings: [], page: null }]);
  });

  test('an endless word is cut without breaking a character', () => {
    const pieces = split('😀'.repeat(3_000));
    expect(pieces.map((piece) => piece.text).join('')).toBe('😀'.repeat(3_000));
    for (const piece of pieces) expect(piece.text.isWellFormed()).toBe(true);
  });

  test('whatever the text, every word is in some passage and none is longer than the bound', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcdefghij'), minLength: 1, maxLength: 30 });
    const glue = fc.constantFrom(' ', '\n', '\n\n', '. ', '\r\n\r\n', '\n# ', '\n\n## ');
    fc.assert(
      fc.property(fc.array(fc.tuple(word, glue), { maxLength: 400 }), (parts) => {
        const text = parts.flat().join('');
        const pieces = split(text);
        const all = pieces.map((piece) => `${piece.headings.join(' ')} ${piece.text}`).join(' ');
        for (const piece of pieces) expect(piece.text.length).toBeLessThanOrEqual(passageCharacters);
        // A heading without a body under it has no passage to be in.
        const body = text.replaceAll(/^ {0,3}#{1,6}\s.*$/gm, ' ');
        for (const found of body.match(/[a-j]+/g) ?? []) expect(all).toContain(found);
      }),
      { numRuns: 200 },
    );
  });
});
