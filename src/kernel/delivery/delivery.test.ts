/** The loop tries a bounded number at once, misses nothing, survives what fails, and stops when told. */
import { expect, test } from 'vitest';
import { createLogger } from '#kernel/log';
import { backoffSeconds, createDeliveryLoop, type DeliveryLoop } from './index.ts';

const log = createLogger({ level: 'silent' });

interface Bench {
  readonly loop: DeliveryLoop;
  readonly done: number[];
  readonly most: () => number;
  notify(): void;
  add(...items: number[]): void;
}

/** A loop over a list in memory; `work` is what delivering an item does. */
function startBench(work: (item: number) => Promise<void>, claimFails = 0): Bench {
  const waiting: number[] = [];
  const done: number[] = [];
  let atOnce = 0;
  let most = 0;
  let failures = claimFails;
  let notify: (payload: string) => void = () => undefined;
  const loop = createDeliveryLoop<number>({
    name: 'test',
    log,
    channel: 'test',
    concurrency: 3,
    pollMilliseconds: 20,
    db: {
      listen: async (_channel, onNotify) => {
        notify = onNotify;
        return () => undefined;
      },
    },
    async claim(limit) {
      if (failures > 0) {
        failures -= 1;
        throw new Error('the database is away');
      }
      return waiting.splice(0, limit);
    },
    async deliver(item) {
      atOnce += 1;
      most = Math.max(most, atOnce);
      try {
        await work(item);
        done.push(item);
      } finally {
        atOnce -= 1;
      }
    },
  });
  return { loop, done, most: () => most, notify: () => notify(''), add: (...items) => void waiting.push(...items) };
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

test('[K17.3] all that waits is tried, three at once at most', async () => {
  const bench = startBench(tick);
  bench.add(...Array.from({ length: 20 }, (_, n) => n));
  await bench.loop.open();
  await expect.poll(() => bench.done).toHaveLength(20);
  expect(bench.most()).toBe(3);
  await bench.loop.drain(1_000);
});

test('[K17.3] one that fails holds up nothing, and neither does a database that is away for a moment', async () => {
  const bench = startBench((item) => (item === 1 ? Promise.reject(new Error('no')) : tick()), 2);
  bench.add(1, 2, 3, 4);
  await bench.loop.open();
  await expect.poll(() => bench.done).toEqual([2, 3, 4]);
  bench.add(5);
  bench.notify();
  await expect.poll(() => bench.done).toContain(5);
  await bench.loop.drain(1_000);
});

test('[K17.3] [K12.5] draining waits for what is under way and takes nothing new', async () => {
  let finish: () => void = () => undefined;
  const bench = startBench(() => new Promise<void>((resolve) => (finish = resolve)));
  bench.add(1);
  await bench.loop.open();
  await expect.poll(() => bench.most()).toBe(1);
  const drained = bench.loop.drain(10_000);
  bench.add(2);
  bench.notify();
  finish();
  await drained;
  expect(bench.done).toEqual([1]);
});

test('[K17.3] draining does not wait for ever', async () => {
  const bench = startBench(() => new Promise(() => undefined));
  bench.add(1);
  await bench.loop.open();
  await expect.poll(() => bench.most()).toBe(1);
  await bench.loop.drain(20);
  expect(bench.done).toEqual([]);
});

test('[K17.3] pauses double up to two hours and are spread by chance; a day of them is some twenty tries', () => {
  expect(backoffSeconds(1, 0.5)).toBe(15);
  expect(backoffSeconds(4, 0.5)).toBe(120);
  expect(backoffSeconds(400, 0.5)).toBe(7_200);
  expect([0, 1].map((chance) => Math.round(backoffSeconds(1, chance)))).toEqual([12, 18]);
  let tries = 0;
  for (let seconds = 0; seconds < 86_400; seconds += backoffSeconds(tries, 0.5)) tries += 1;
  expect(tries).toBeGreaterThan(15);
  expect(tries).toBeLessThan(30);
});
