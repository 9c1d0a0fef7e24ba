/** A dropped session never comes back from memory. */
import { expect, test } from 'vitest';
import type { Principal } from './principal.ts';
import { createSessionCache } from './session-cache.ts';

function entry(sessionId: string, until: number, userId = 'u') {
  const principal: Principal = {
    userId,
    tenantId: 't',
    role: 'owner',
    via: { kind: 'session', sessionId, provedAt: 0 },
  };
  return { principal, subject: `session:${sessionId}`, until };
}

test('[K2.4] a cookie is read once while it is remembered, and again when its time is over', async () => {
  let now = 0;
  let reads = 0;
  const cache = createSessionCache(() => now);
  const load = async () => {
    reads += 1;
    return entry('s', now + 5);
  };
  await cache.resolve('c', load);
  now = 4;
  await cache.resolve('c', load);
  expect(reads).toBe(1);
  now = 5;
  await cache.resolve('c', load);
  expect(reads).toBe(2);
});

test('[K2.4] many requests at once with the same cookie read it once', async () => {
  const cache = createSessionCache(() => 0);
  let reads = 0;
  const load = async () => {
    reads += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return entry('s', 1);
  };
  await Promise.all(Array.from({ length: 50 }, () => cache.resolve('c', load)));
  expect(reads).toBe(1);
});

test('[K2.4] what was read before a session was dropped is not remembered after it', async () => {
  const cache = createSessionCache(() => 0);
  let finish: (value: ReturnType<typeof entry>) => void = () => undefined;
  const slow = cache.resolve('c', () => new Promise((resolve) => (finish = resolve)));
  cache.drop('session:s');
  const after = await cache.resolve('c', async () => null);
  expect(after).toBeNull();
  finish(entry('s', 100));
  await slow;
  expect(cache.size).toBe(0);
  expect(await cache.resolve('c', async () => null)).toBeNull();
});

test('[K2.4] dropping a user forgets all their sessions and nobody else’s', async () => {
  const cache = createSessionCache(() => 0);
  await cache.resolve('a', async () => entry('s1', 10, 'ada'));
  await cache.resolve('b', async () => entry('s2', 10, 'ada'));
  await cache.resolve('c', async () => entry('s3', 10, 'bob'));
  cache.drop('user:ada');
  expect(cache.size).toBe(1);
  expect((await cache.resolve('c', async () => null))?.userId).toBe('bob');
});

test('[K15.3] the cache is bounded: the oldest leave', async () => {
  const cache = createSessionCache(() => 0, 100);
  for (let index = 0; index < 1000; index++) await cache.resolve(`c${index}`, async () => entry(`s${index}`, 10));
  expect(cache.size).toBe(100);
});

test('a failing read is not remembered', async () => {
  const cache = createSessionCache(() => 0);
  await expect(cache.resolve('c', () => Promise.reject(new Error('database away')))).rejects.toThrow('database away');
  expect((await cache.resolve('c', async () => entry('s', 1)))?.userId).toBe('u');
});
