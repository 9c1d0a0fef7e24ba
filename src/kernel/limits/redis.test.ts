/** Limits against a real Redis that is started, stopped and frozen by the test. */
import { expect, test, vi } from 'vitest';
import { createLogger } from '#kernel/log';
import { RedisProcess, isRedisInstalled, isRedisRequired } from '#testing/redis-process';
import { findFreePort } from '#testing/server-process';
import { createLimiter, type Limiter, type LimitRule } from './index.ts';

const rule: LimitRule = { name: 'kernel.test', max: 20, windowSeconds: 600 };
const storeTimeoutMilliseconds = 150;
/** Where Redis is there all the time, a moment in which the machine stands still must not look like an outage. */
const patient = 10_000;

/** A log that is kept, so that a test can count its lines. */
function createKeptLog() {
  const lines: string[] = [];
  return {
    lines,
    log: createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } }),
  };
}

function connect(url: string, log = createKeptLog().log, patience = storeTimeoutMilliseconds): Promise<Limiter> {
  const db = { isEmbedded: false, withSystem: () => Promise.reject(new Error('Redis is configured')) };
  return createLimiter({
    config: { limits: {}, redisUrl: url },
    db,
    log,
    storeTimeoutMilliseconds: patience,
    retryAfterMilliseconds: 100,
  });
}

async function countAllowed(limiters: readonly Limiter[], key: string, takes: number): Promise<number> {
  const takers = Array.from({ length: takes / limiters.length }, () => limiters).flat();
  const states = await Promise.all(takers.map((limiter) => limiter.take(rule, key)));
  return states.filter((state) => state.isAllowed).length;
}

async function waitForDegraded(limiter: Limiter, expected: boolean): Promise<void> {
  await vi.waitUntil(() => limiter.isDegraded === expected, { timeout: 10_000, interval: 10 });
}

function registerRedisTests(): void {
  test('[K4.3] two processes on one Redis share their counters', async () => {
    await using redis = await new RedisProcess(await findFreePort()).start();
    const urls = [redis.url, redis.url.replace('redis:', 'valkey:')] as const;
    const [one, two] = await Promise.all([connect(urls[0], undefined, patient), connect(urls[1], undefined, patient)]);
    expect(await countAllowed([one, two], 'user:1', 60)).toBe(rule.max);
    expect(one.storeName).toBe('redis');
    await one.reset(rule, 'user:1');
    expect((await two.take(rule, 'user:1')).remaining).toBe(rule.max - 1);
    await Promise.all([one.close(), two.close()]);
  });

  test('[K4.3] Redis killed in mid-load: limits hold locally, it is logged once and counted, and sharing comes back by itself', async () => {
    await using redis = await new RedisProcess(await findFreePort()).start();
    const kept = createKeptLog();
    const limiter = await connect(redis.url, kept.log);
    let allowed = await countAllowed([limiter], 'user:1', 12);
    expect(allowed).toBe(12);

    const stopping = redis.stop();
    allowed += await countAllowed([limiter], 'user:1', 2);
    await stopping;
    allowed += await countAllowed([limiter], 'user:1', 200);
    // Those from before the outage are known: not one more than the limit, however many ask.
    expect(allowed).toBe(rule.max);
    await waitForDegraded(limiter, true);
    expect(limiter.counters.countedLocally).toBeGreaterThanOrEqual(200);
    expect(limiter.counters.storeFailures).toBeGreaterThanOrEqual(3);
    expect(await countAllowed([limiter], 'user:2', 15)).toBe(15);

    await redis.start();
    await waitForDegraded(limiter, false);
    // What was taken during the outage is handed in, although this Redis has just begun at zero.
    expect(await countAllowed([limiter], 'user:2', 15)).toBe(rule.max - 15);
    const other = await connect(redis.url, undefined, patient);
    expect((await other.take(rule, 'user:2')).isAllowed).toBe(false);
    expect(kept.lines.filter((line) => line.includes('is down'))).toHaveLength(1);
    expect(kept.lines.filter((line) => line.includes('limits is back'))).toHaveLength(1);
    await Promise.all([limiter.close(), other.close()]);
  });

  test('[K4.3] a Redis that hangs delays the first requests by the timeout at most, and later ones not at all', async () => {
    await using redis = await new RedisProcess(await findFreePort()).start();
    const limiter = await connect(redis.url);
    await limiter.take(rule, 'user:1');
    redis.freeze();
    try {
      const start = performance.now();
      expect(await countAllowed([limiter], 'user:1', 50)).toBe(rule.max - 1);
      // Once, not for each of the fifty: those would take 7.5 s.
      expect(performance.now() - start).toBeLessThan(storeTimeoutMilliseconds * 20);
      await waitForDegraded(limiter, true);
      const milliseconds: number[] = [];
      for (let i = 0; i < 200; i += 1) {
        const before = performance.now();
        await limiter.take(rule, 'user:2');
        milliseconds.push(performance.now() - before);
      }
      // A take that meets the probe waits for it; all others are answered from memory.
      expect(milliseconds.toSorted((a, b) => a - b)[100]).toBeLessThan(5);
    } finally {
      redis.thaw();
    }
    await waitForDegraded(limiter, false);
    await limiter.close();
  });
}

test('[K4.3] a server that starts while Redis is away limits from the first request', async () => {
  const limiter = await connect(`redis://127.0.0.1:${await findFreePort()}`);
  expect(await countAllowed([limiter], 'user:1', 40)).toBe(rule.max);
  await waitForDegraded(limiter, true);
  await limiter.close();
});

// A machine without redis-server runs only the test above, unless it was told that Redis must be tested.
if (isRedisInstalled() || isRedisRequired()) registerRedisTests();
