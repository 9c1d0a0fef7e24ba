/** Contracts, pages and cursors: what goes in comes out, and what is not ours is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { day, decodeCursor, defineContract, encodeCursor, id, page, pageQuery, timestamp } from './index.ts';

describe('cursors', () => {
  test('[K10.4] any sort key survives the way to the client and back, and stands in a URL unescaped', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
    );
    fc.assert(
      fc.property(fc.array(part), (key) => {
        const cursor = encodeCursor(key);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]*$/);
        expect(decodeCursor(cursor)).toEqual(JSON.parse(JSON.stringify(key)));
      }),
    );
  });

  test('[K10.4] nothing a client makes up throws or passes as a key of other types', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const key = decodeCursor(text);
        expect(key === null || key.every((part) => ['string', 'number'].includes(typeof part))).toBe(true);
      }),
    );
  });

  test.each([
    ['an object', '{"a":1}'],
    ['null inside', '[null]'],
    ['a list inside', '[[1]]'],
    ['an infinite number', '[1e999]'],
    ['text', '"x"'],
    ['half a JSON', '[1'],
  ])('[K5.1] a cursor that holds %s is refused', (_, json) => {
    expect(decodeCursor(btoa(json))).toBeNull();
  });

  test('[K5.1] a cursor that is not base64 or not UTF-8 is refused', () => {
    expect(decodeCursor('%%%')).toBeNull();
    expect(decodeCursor(btoa('["\xff"]'))).toBeNull();
  });
});

describe('pages', () => {
  test('[K10.4] a list has 50 rows by default and 200 at most', () => {
    expect(pageQuery.parse({})).toEqual({ limit: 50 });
    expect(pageQuery.parse({ limit: '200', cursor: 'x' })).toEqual({ limit: 200, cursor: 'x' });
    for (const limit of ['0', '201', '-1', '1.5', 'all', ''])
      expect(pageQuery.safeParse({ limit }).success).toBe(false);
    expect(pageQuery.safeParse({ cursor: 'x'.repeat(501) }).success).toBe(false);
  });

  test('[K5.1] unknown parameters of a list are refused', () => {
    expect(pageQuery.safeParse({ offset: '1' }).success).toBe(false);
    expect(page(z.string()).safeParse({ items: [], nextCursor: null, total: 1 }).success).toBe(false);
  });
});

test('[K5.1] ids are UUIDs and times carry a zone', () => {
  expect(id.safeParse('0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e6f').success).toBe(true);
  for (const wrong of ['1', '0190d6c2', "' or 1=1 --", '0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e6f '])
    expect(id.safeParse(wrong).success).toBe(false);
  expect(timestamp.safeParse('2026-01-02T03:04:05Z').success).toBe(true);
  expect(timestamp.safeParse('2026-01-02 03:04').success).toBe(false);
});

test('[K5.1] a day or time that no database stores is refused as a field, not as a failure of the database', () => {
  for (const right of ['0001-01-01', '2026-01-02', '9999-12-31']) {
    expect([right, day.safeParse(right).success]).toEqual([right, true]);
    expect([right, timestamp.safeParse(`${right}T00:00:00Z`).success]).toEqual([right, true]);
  }
  for (const wrong of ['0000-01-01', '2026-02-30']) {
    expect([wrong, day.safeParse(wrong).success]).toEqual([wrong, false]);
    expect([wrong, timestamp.safeParse(`${wrong}T00:00:00Z`).success]).toEqual([wrong, false]);
  }
});

test('[K17.1] a contract keeps its keys and schemas', () => {
  const contract = defineContract({ 'GET /things/{id}': { summary: 'Get a thing', params: z.strictObject({ id }) } });
  expect(Object.keys(contract)).toEqual(['GET /things/{id}']);
});
