/** Ids are unique, sort by time, and only their one form is accepted where ids are placed into settings. */
import { expect, test } from 'vitest';
import { isId, newId } from './index.ts';

test('[K10.3] ids are distinct UUIDs of version 7 and sort in the order they were made', () => {
  const ids = Array.from({ length: 10_000 }, () => newId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.every((id) => isId(id) && id[14] === '7')).toBe(true);
});

test('[K10.3] an id carries the time it was made', () => {
  const before = Date.now();
  const time = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before - 1);
  expect(time).toBeLessThanOrEqual(Date.now() + 1_000);
});

test.each([
  undefined,
  null,
  7,
  '',
  'x',
  [newId()],
  newId().toUpperCase(),
  `${newId()} `,
  `${newId()}\n`,
  newId().replaceAll('-', ''),
  "00000000-0000-7000-8000-000000000000'; drop table x; --",
  '00000000-0000-0000-0000-000000000000',
])('[K3.2] %j is not an id', (value) => {
  expect(isId(value)).toBe(false);
});
