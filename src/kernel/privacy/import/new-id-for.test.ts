/** What is brought back has ids that follow from the old ones. */
import { expect, test } from 'vitest';
import { isId, newId } from '#kernel/ids';
import { newIdFor } from './new-id-for.ts';

test('[K16.1] the same person gets the same ids in the same place, in the order of the old ones; nobody else does', () => {
  const old = Array.from({ length: 200 }, () => newId());
  const here = { tenantId: newId(), userId: newId() };
  const once = old.map((id) => newIdFor(here, id));
  expect(old.map((id) => newIdFor(here, id.toUpperCase()))).toEqual(once);
  expect(once.every(isId)).toBe(true);
  const byTime = (ids: readonly string[]) => ids.map((id) => id.slice(0, 13));
  expect(byTime(once)).toEqual(byTime(old));
  const elsewhere = [
    { ...here, tenantId: newId() },
    { ...here, userId: newId() },
  ].flatMap((scope) => old.map((id) => newIdFor(scope, id)));
  expect(new Set([...once, ...elsewhere, ...old]).size).toBe(800);
});
