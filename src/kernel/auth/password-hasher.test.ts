/** Passwords cost what they should, and never more at once than allowed. */
import { scryptSync } from 'node:crypto';
import { hash as argonHash } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { isAppError } from '#kernel/errors';
import { createPasswordHasher } from './password-hasher.ts';

test('[K2.3] passwords are hashed with Argon2id, 19 MiB, 2 passes, salted', async () => {
  const hasher = await createPasswordHasher();
  const [first, second] = [await hasher.hash('Zwölf Tage'), await hasher.hash('Zwölf Tage')];
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(first).not.toBe(second);
  expect(await hasher.verify(first, 'Zwölf Tage')).toBe(true);
  expect(await hasher.verify(first, 'Zwölf Tagе')).toBe(false); // the last letter is Cyrillic
  expect(hasher.needsRehash(first)).toBe(false);
});

test('[K2.2] a password typed with combining marks opens what was set with composed letters', async () => {
  const hasher = await createPasswordHasher();
  expect(await hasher.verify(await hasher.hash('Zw\u00f6lf'), 'Zwo\u0308lf')).toBe(true);
});

test('[K2.3] hashes with older parameters and scrypt hashes verify, and are marked for an upgrade', async () => {
  const hasher = await createPasswordHasher();
  const older = await argonHash('Zwölf Tage', { memoryCost: 4096, timeCost: 1, parallelism: 1, algorithm: 2 });
  const key = scryptSync('Zwölf Tage'.normalize('NFKC'), '00ff', 64, { N: 16_384, r: 16, p: 1, maxmem: 2 ** 26 });
  const scrypt = `00ff:${key.toString('hex')}`;
  for (const stored of [older, scrypt]) {
    expect(await hasher.verify(stored, 'Zwölf Tage')).toBe(true);
    expect(await hasher.verify(stored, 'Elf Tage')).toBe(false);
    expect(hasher.needsRehash(stored)).toBe(true);
  }
});

test('[K2.3] with no account the same work is done against a dummy, and the answer is no', async () => {
  const hasher = await createPasswordHasher();
  expect(await hasher.verify(null, '')).toBe(false);
});

test('[K2.3] no more hashes run at once than allowed, a bounded number waits, and one beyond is told to come back', async () => {
  const hasher = await createPasswordHasher({ concurrency: 2, maxWaiting: 10 });
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => hasher.verify(null, 'x')));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(outcomes.length - refused.length).toBe(12);
  for (const { reason } of refused) {
    expect(isAppError(reason) && reason.status).toBe(503);
    expect(reason.options.retryAfterSeconds).toBe(1);
  }
  expect(hasher.stats()).toEqual({ running: 0, waiting: 0, peakRunning: 2 });
});

test('[K2.3] a failing verification gives its place back', async () => {
  const hasher = await createPasswordHasher({ concurrency: 1, maxWaiting: 1 });
  await expect(hasher.verify('$argon2id$broken', 'x')).rejects.toThrow(/hash|decod|invalid/i);
  expect(await hasher.verify(null, 'x')).toBe(false);
  expect(hasher.stats().running).toBe(0);
});

test('[K2.3] hashing leaves the main thread free', async () => {
  const hasher = await createPasswordHasher();
  let turns = 0;
  const clock = setInterval(() => (turns += 1), 1);
  await Promise.all(Array.from({ length: 6 }, () => hasher.verify(null, 'x')));
  clearInterval(clock);
  expect(turns).toBeGreaterThan(5);
});
