/** The scan of depth and number agrees with a parser on every JSON text, however its strings try to look like structure. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findExcess } from './json-depth.ts';

const exceedsDepth = (bytes: Uint8Array, maxDepth: number) =>
  findExcess(bytes, { maxDepth, maxValues: Infinity }) === 'depth';

function depthOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const tricky = fc.oneof(fc.string(), fc.constantFrom('[[[', '}}}', '"', '\\', '\\"[', '{"a":', '\\\\', '\u0000'));
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 8 },
    tricky,
    fc.integer(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(tricky, tie('value'), { maxKeys: 3 }),
  ),
})).value;

test('[K5.1] the depth found in the bytes is the depth of the value', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 0, max: 8 }), fc.boolean(), (value, maxDepth, isPretty) => {
      const bytes = Buffer.from(JSON.stringify(value, null, isPretty ? 2 : 0));
      // Short bodies are not looked at: they cannot be deeper than they have room for.
      const expected = depthOf(value) > maxDepth;
      expect(exceedsDepth(bytes, maxDepth)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test('[K5.1] broken JSON neither hangs nor throws: unclosed strings, lone quotes, ten megabytes of brackets', () => {
  for (const text of ['"', '["\\', '{"a":"\\', '"'.repeat(999)])
    expect(exceedsDepth(Buffer.from(text.padEnd(300, ' ')), 64)).toBe(false);
  expect(exceedsDepth(Buffer.alloc(10_000_000, '['), 64)).toBe(true);
  expect(exceedsDepth(Buffer.alloc(10_000_000, '[]'), 64)).toBe(false);
});

function countSeparators(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  const inner = Object.values(value);
  return Math.max(0, inner.length - 1) + inner.reduce<number>((sum, part) => sum + countSeparators(part), 0);
}

test('[K5.1] the number of values found in the bytes is that of the value', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 1, max: 12 }), fc.boolean(), (value, maxValues, isPretty) => {
      const bytes = Buffer.from(JSON.stringify(value, null, isPretty ? 2 : 0));
      const found = findExcess(bytes, { maxDepth: Infinity, maxValues });
      expect(found).toBe(countSeparators(value) >= maxValues ? 'values' : null);
    }),
    { numRuns: 500 },
  );
});
