/** Sliding windows: no burst at a seam, a refused flood does not keep others out, and the stated wait is enough. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Config } from '#kernel/config';
import { createLogger } from '#kernel/log';
import { createTestDatabase } from '#testing/database';
import { RedisProcess, isRedisInstalled, isRedisRequired } from '#testing/redis-process';
import { findFreePort } from '#testing/server-process';
import { createLimiter, sharedRules, type Limiter, type LimitRule } from './index.ts';

const log = createLogger({ level: 'silent' });
const rule: LimitRule = { name: 'kernel.sliding', max: 10, windowSeconds: 60, kind: 'sliding' };
const nowhere = { isEmbedded: true, withSystem: () => Promise.reject(new Error('embedded mode counts in memory')) };
const config: Pick<Config, 'limits' | 'redisUrl'> = { limits: {}, redisUrl: undefined };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(new Date('2030-01-01T00:00:00Z'));
});
afterEach(() => {
  vi.useRealTimers();
});

async function takeTimes(limiter: Limiter, times: number): Promise<number> {
  let allowed = 0;
  for (let i = 0; i < times; i += 1) if ((await limiter.take(rule, 'project:1')).isAllowed) allowed += 1;
  return allowed;
}

const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

test('[K4.2] around the end of a window a caller gets no more than its due', async () => {
  const limiter = await createLimiter({ config, db: nowhere, log });
  pass(59_000);
  expect(await takeTimes(limiter, 12)).toBe(10);
  pass(2_000);
  expect(await takeTimes(limiter, 12)).toBe(0);
  pass(29_000);
  // Half of the window before is out of reach now.
  expect(await takeTimes(limiter, 12)).toBe(5);
  await limiter.close();
});

test('[K4.2] a flood that is refused leaves the place of those it displaced', async () => {
  const limiter = await createLimiter({ config, db: nowhere, log });
  await takeTimes(limiter, 5_000);
  pass(121_000);
  expect(await takeTimes(limiter, 12)).toBe(10);
  await limiter.close();
});

test('[K4.2] whoever waits as long as told is let in, and a reset gives everything back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(50_000), fc.nat(14)), { maxLength: 6 }), async (steps) => {
      const limiter = await createLimiter({ config, db: nowhere, log });
      for (const [pause, takes] of steps) {
        pass(pause);
        await takeTimes(limiter, takes);
      }
      const state = await limiter.take(rule, 'project:1');
      if (!state.isAllowed) {
        pass(state.resetSeconds * 1_000);
        expect((await limiter.take(rule, 'project:1')).isAllowed).toBe(true);
      }
      await limiter.reset(rule, 'project:1');
      expect(await takeTimes(limiter, 11)).toBe(10);
      await limiter.close();
    }),
    { numRuns: 50 },
  );
});

test('[K4.2] [K4.3] two processes on one PostgreSQL share a sliding window', async () => {
  vi.useRealTimers();
  await using ground = await createTestDatabase();
  const db = { withSystem: ground.db.withSystem, isEmbedded: false };
  const limiters = await Promise.all([1, 2].map(() => createLimiter({ config, db, log })));
  await expectShared(limiters);
});

async function expectShared(limiters: readonly Limiter[]): Promise<void> {
  let allowed = 0;
  for (let i = 0; i < 14; i += 1) {
    const state = await limiters[i % 2]!.take({ ...rule, windowSeconds: 3_600 }, 'project:1');
    if (state.isAllowed) allowed += 1;
  }
  expect(allowed).toBe(rule.max);
  await Promise.all(limiters.map((limiter) => limiter.close()));
}

// A machine without redis-server runs the others, unless it was told that Redis must be tested.
if (isRedisInstalled() || isRedisRequired()) {
  test('[K4.2] [K4.3] two processes on one Redis share a sliding window', async () => {
    vi.useRealTimers();
    await using redis = await new RedisProcess(await findFreePort()).start();
    const shared = { limits: {}, redisUrl: redis.url };
    const limiters = await Promise.all([1, 2].map(() => createLimiter({ config: shared, db: nowhere, log })));
    await expectShared(limiters);
  });
}

test('[K4.2] events of widgets are counted in a sliding window', () => {
  expect(sharedRules.widgetEvent).toMatchObject({ kind: 'sliding', windowSeconds: 60 });
});
