/** Limits shared through PostgreSQL by processes without Redis. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '#kernel/log';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createLimiter, type Limiter, type LimitRule } from './index.ts';

const log = createLogger({ level: 'silent' });
const rule: LimitRule = { name: 'kernel.test', max: 10, windowSeconds: 600 };
let ground: TestDatabase;

beforeAll(async () => {
  ground = await createTestDatabase();
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

/** A limiter as a process with DATABASE_URL and without REDIS_URL has it. */
function connect(storeTimeoutMilliseconds = 5_000): Promise<Limiter> {
  const db = { isEmbedded: false, withSystem: ground.db.withSystem.bind(ground.db) };
  return createLimiter({
    config: { limits: {}, redisUrl: undefined },
    db,
    log,
    storeTimeoutMilliseconds,
    retryAfterMilliseconds: 50,
  });
}

test('[K4.3] without Redis, two processes share their counters in PostgreSQL', async () => {
  const [one, two] = await Promise.all([connect(), connect()]);
  const states = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? one : two).take(rule, 'user:1')));
  expect(states.filter((state) => state.isAllowed)).toHaveLength(rule.max);
  expect(one).toMatchObject({ storeName: 'postgres', isDegraded: false });
  await one.reset(rule, 'user:1');
  expect(await two.take(rule, 'user:1')).toMatchObject({ isAllowed: true, remaining: rule.max - 1, resetSeconds: 600 });
  await Promise.all([one.close(), two.close()]);
});

test('[K4.3] a window that is over begins anew', async () => {
  const limiter = await connect();
  await limiter.take(rule, 'user:2', rule.max);
  await ground.db.withSystem('test', (tx) =>
    tx.query({ text: `update kernel.rate_limits set expires_at = now() - interval '1 second'` }),
  );
  expect(await limiter.take(rule, 'user:2')).toMatchObject({ isAllowed: true, remaining: rule.max - 1 });
  await limiter.close();
});

test('[K4.3] a take inside a transaction that rolls back still counts', async () => {
  const limiter = await connect();
  const failing = ground.db.withSystem('test', async () => {
    await limiter.take(rule, 'user:3', rule.max);
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  expect((await limiter.take(rule, 'user:3')).isAllowed).toBe(false);
  await limiter.close();
});

test('[K4.3] the store holds digests, not addresses or accounts', async () => {
  const limiter = await connect();
  await limiter.take(rule, 'ada@example.org 192.0.2.1');
  const rows = await ground.db.withSystem('test', (tx) =>
    tx.query<{ key: string }>({ text: 'select key from kernel.rate_limits' }),
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { key } of rows) expect(key).toMatch(/^kernel\.test:600:[A-Za-z0-9_-]{22}$/);
  await limiter.close();
});

test('[K4.3] a database that answers too late is not waited for', async () => {
  const limiter = await connect(100);
  await ground.db.withSystem('test', async (tx) => {
    await tx.query({ text: 'lock table kernel.rate_limits in access exclusive mode' });
    const states = await Promise.all(Array.from({ length: 30 }, () => limiter.take(rule, 'user:4')));
    expect(states.filter((state) => state.isAllowed)).toHaveLength(rule.max);
    expect(limiter.isDegraded).toBe(true);
  });
  await expect.poll(() => limiter.isDegraded, { timeout: 10_000 }).toBe(false);
  expect((await limiter.take(rule, 'user:4')).isAllowed).toBe(false);
  await limiter.close();
});

test('[K3.2] requests cannot see or touch the counters', async () => {
  const scope = { tenantId: '01900000-0000-7000-8000-000000000001' };
  const reading = ground.db.withTenant(scope, (tx) => tx.query({ text: 'select * from kernel.rate_limits' }));
  await expect(reading).rejects.toThrow(/permission denied/);
});
