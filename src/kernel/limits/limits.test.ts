/** Limits in memory, and how they are told to callers. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Config } from '#kernel/config';
import { createLogger } from '#kernel/log';
import {
  addressKey,
  createLimiter,
  rateLimitHeaders,
  ruleOfPlan,
  sharedRules,
  agentChatByPlan,
  violatedPolicies,
  type Limiter,
  type LimitRule,
} from './index.ts';
import { MemoryCounters } from './memory-counters.ts';

const log = createLogger({ level: 'silent' });
const rule: LimitRule = { name: 'kernel.test', max: 3, windowSeconds: 60 };

function createMemoryLimiter(limits: Config['limits'] = {}): Promise<Limiter> {
  const db = { isEmbedded: true, withSystem: () => Promise.reject(new Error('embedded mode counts in memory')) };
  return createLimiter({ config: { limits, redisUrl: undefined }, db, log });
}

async function takeTimes(limiter: Limiter, taken: LimitRule, key: string, times: number): Promise<boolean[]> {
  const allowed: boolean[] = [];
  for (let i = 0; i < times; i += 1) allowed.push((await limiter.take(taken, key)).isAllowed);
  return allowed;
}

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  { name: 'auth.sign-in', max: 5, windowSeconds: 900 },
  { name: 'auth.sign-up', max: 3, windowSeconds: 86_400 },
  { name: 'agents.chat', max: 30, windowSeconds: 60 },
  { name: 'auth.settings', max: 20, windowSeconds: 3_600 },
  { ...sharedRules.image, max: 10, windowSeconds: 3_600 },
  { ...sharedRules.companionCreate, max: 10, windowSeconds: 3_600 },
  { ...ruleOfPlan(agentChatByPlan, 'free'), max: 30, windowSeconds: 60 },
  { ...ruleOfPlan(agentChatByPlan, 'pro'), max: 100, windowSeconds: 60 },
  { ...ruleOfPlan(agentChatByPlan, 'enterprise'), max: 1_000, windowSeconds: 60 },
])('[K4.2] $name allows $max in $windowSeconds s and refuses the next one', async (declared) => {
  const limiter = await createMemoryLimiter();
  const allowed = await takeTimes(limiter, declared, 'user:1', declared.max + 1);
  expect(allowed.filter(Boolean)).toHaveLength(declared.max);
  expect(allowed.at(-1)).toBe(false);
  expect((await limiter.take(declared, 'user:2')).isAllowed).toBe(true);
});

test('[K4.2] a plan’s limit is overridden by its own name, else by that of all plans', async () => {
  const limiter = await createMemoryLimiter({
    'agents.chat': { max: 7, windowSeconds: 60 },
    'agents.chat.pro': { max: 200, windowSeconds: 30 },
  });
  const taken = async (plan: 'free' | 'pro') => (await limiter.take(ruleOfPlan(agentChatByPlan, plan), 't')).rule;
  expect(await taken('pro')).toEqual({ name: 'agents.chat.pro', max: 200, windowSeconds: 30 });
  expect(await taken('free')).toEqual({ name: 'agents.chat.free', max: 7, windowSeconds: 60 });
});

test('[K4.2] the limits that applications share are the ones that were promised', () => {
  expect(sharedRules.image).toMatchObject({ max: 10, windowSeconds: 3_600 });
  expect(sharedRules.companionCreate).toMatchObject({ max: 10, windowSeconds: 3_600 });
  expect(sharedRules.widgetEvent.kind).toBe('sliding');
  expect(agentChatByPlan.byPlan).toEqual({
    free: { max: 30, windowSeconds: 60 },
    pro: { max: 100, windowSeconds: 60 },
    enterprise: { max: 1_000, windowSeconds: 60 },
  });
});

test('[K4.2] after the window there is room again, and not a moment before', async () => {
  vi.useFakeTimers();
  const limiter = await createMemoryLimiter();
  await takeTimes(limiter, rule, 'user:1', 3);
  vi.advanceTimersByTime(59_000);
  expect(await limiter.take(rule, 'user:1')).toMatchObject({ isAllowed: false, remaining: 0, resetSeconds: 1 });
  vi.advanceTimersByTime(1_001);
  expect(await limiter.take(rule, 'user:1')).toMatchObject({ isAllowed: true, remaining: 2, resetSeconds: 60 });
});

test('[K4.2] the configuration overrides a limit by name, and the state tells the effective rule', async () => {
  const limiter = await createMemoryLimiter({ 'kernel.test': { max: 1, windowSeconds: 10 } });
  const first = await limiter.take(rule, 'user:1');
  expect(first).toMatchObject({ isAllowed: true, rule: { name: 'kernel.test', max: 1, windowSeconds: 10 } });
  expect((await limiter.take(rule, 'user:1')).isAllowed).toBe(false);
});

test('[K4.2] a window of months still limits, although no timer can be that long', async () => {
  vi.useFakeTimers();
  const limiter = await createMemoryLimiter({ 'kernel.test': { max: 1, windowSeconds: 9_999_999 } });
  await limiter.take(rule, 'user:1');
  vi.setSystemTime(Date.now() + 9_999_998_000);
  expect(await limiter.take(rule, 'user:1')).toMatchObject({ isAllowed: false, resetSeconds: 1 });
});

test('[K4.3] a flood of callers does not use up the memory, and windows that are over are let go', () => {
  vi.useFakeTimers();
  const counters = new MemoryCounters(1_000);
  for (let i = 0; i < 50_000; i += 1) counters.add(`address:${i}`, 1, 60);
  expect(counters.size).toBe(1_000);
  expect(counters.add('address:49999', 1, 60).used).toBe(2);
  vi.advanceTimersByTime(120_000);
  expect(counters.size).toBe(0);
  counters.close();
});

test('[K4.2] reset gives everything back', async () => {
  const limiter = await createMemoryLimiter();
  await takeTimes(limiter, rule, 'user:1', 3);
  await limiter.reset(rule, 'user:1');
  expect(await limiter.take(rule, 'user:1')).toMatchObject({ isAllowed: true, remaining: 2 });
});

test('[K4.2] a cost above one is taken at once', async () => {
  const limiter = await createMemoryLimiter();
  expect(await limiter.take(rule, 'user:1', 3)).toMatchObject({ isAllowed: true, remaining: 0 });
  expect((await limiter.take(rule, 'user:1')).isAllowed).toBe(false);
});

test('[K4.3] embedded mode counts in memory and is never degraded', async () => {
  const limiter = await createMemoryLimiter();
  await takeTimes(limiter, rule, 'user:1', 4);
  expect(limiter).toMatchObject({ storeName: 'memory', isDegraded: false });
  expect(limiter.counters).toEqual({ taken: 4, refused: 1, storeFailures: 0, countedLocally: 0 });
});

test('[K4.1] headers follow draft-ietf-httpapi-ratelimit-headers-10', () => {
  const burst = {
    rule: { name: 'burst', max: 100, windowSeconds: 60 },
    isAllowed: true,
    remaining: 50,
    resetSeconds: 30,
  };
  const daily = {
    rule: { name: 'daily', max: 1000, windowSeconds: 86_400 },
    isAllowed: false,
    remaining: 0,
    resetSeconds: 7_200,
  };
  expect(rateLimitHeaders([burst])).toEqual({
    'ratelimit-policy': '"burst";q=100;w=60',
    ratelimit: '"burst";r=50;t=30',
  });
  expect(rateLimitHeaders([burst, daily])).toEqual({
    'ratelimit-policy': '"burst";q=100;w=60, "daily";q=1000;w=86400',
    ratelimit: '"burst";r=50;t=30, "daily";r=0;t=7200',
    'retry-after': '7200',
  });
  expect(rateLimitHeaders([])).toEqual({});
  expect(violatedPolicies([burst, daily])).toEqual(['daily']);
});

test('[K4.4] addresses of one IPv6 network count as one caller, mapped IPv4 as itself', () => {
  expect(addressKey('2001:db8:1:2:aaaa::1')).toBe(addressKey('2001:db8:1:2:bbbb:cccc:dddd:eeee'));
  expect(addressKey('2001:db8:1:2::1')).not.toBe(addressKey('2001:db8:1:3::1'));
  expect(addressKey('::ffff:192.0.2.7')).toBe('192.0.2.7');
  expect(addressKey('192.0.2.7')).toBe('192.0.2.7');
  expect(addressKey('unknown')).toBe('unknown');
});
