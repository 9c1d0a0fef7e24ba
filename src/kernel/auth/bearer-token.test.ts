/** Tokens say what they are, and anything that is not exactly one of ours is nothing. */
import { expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { formatToken, hashSecret, isSecret, newSecret, parseToken } from './bearer-token.ts';

test('[K2.7] a token comes apart into what it was made of, and carries 256 random bits', () => {
  const id = newId();
  const secret = newSecret();
  const token = formatToken('bhk', id, secret);
  expect(token).toMatch(/^bhk_[0-9a-f]{32}_[\w-]{49}$/);
  expect(parseToken('bhk', token)).toEqual({ id, secret });
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  expect(new Set(Array.from({ length: 1_000 }, newSecret)).size).toBe(1_000);
});

test('[K2.7] one wrong character anywhere, another kind, more or less: nothing', () => {
  const token = formatToken('bat', newId(), newSecret());
  for (let place = 0; place < token.length; place += 1) {
    const wrong = token[place] === 'a' ? 'b' : 'a';
    expect(parseToken('bat', token.slice(0, place) + wrong + token.slice(place + 1))).toBeNull();
  }
  for (const text of [`${token}a`, token.slice(1), ` ${token}`, token.toUpperCase(), '', 'bat_', `${token}\n`])
    expect(parseToken('bat', text)).toBeNull();
  expect(parseToken('brt', token)).toBeNull();
});

test('[K2.7] only the right secret fits its hash, whatever the length of the other', () => {
  const secret = newSecret();
  const hash = hashSecret(secret);
  expect(hash).toHaveLength(32);
  expect(isSecret(secret, hash)).toBe(true);
  for (const other of [newSecret(), '', `${secret}a`, secret.slice(1), 'x'.repeat(10_000)])
    expect(isSecret(other, hash)).toBe(false);
  expect(isSecret(secret, hash.subarray(1))).toBe(false);
});
