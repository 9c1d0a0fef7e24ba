import { expect, test } from 'vitest';
import { LiveRun } from './live-run.ts';
import { createPublisher } from './publisher.ts';

const identity = { runId: 'run', tenantId: 'tenant', ownerId: 'owner' };

function makeRuns(count: number): LiveRun[] {
  const publisher = createPublisher();
  return Array.from({ length: count }, () => {
    const run = new LiveRun(identity, (emitting) => publisher.publishSoon(emitting));
    run.beginAttempt(1);
    return run;
  });
}

/** say emits a word and resolves, when it reaches the subscriber, to the milliseconds that took. */
function say(run: LiveRun): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const unsubscribe = run.subscribe(() => {
      unsubscribe();
      resolve(performance.now() - startedAt);
    });
    run.emit('text-delta', 0, { text: 'word ' });
  });
}

test('[K12.1] on a quiet server a word leaves at once, however many runs are silent', async () => {
  const [speaker] = makeRuns(1_000);
  const times = [];
  for (let round = 0; round < 5; round += 1) times.push(await say(speaker!));
  expect(Math.min(...times)).toBeLessThan(10);
});

test('[K12.1] when hundreds speak at once, words that come close together travel as one event', async () => {
  const runs = makeRuns(200);
  await Promise.all(runs.map(say));
  const [first] = runs;
  const arrived = Promise.all(runs.map(say));
  first!.emit('text-delta', 0, { text: 'more ' });
  await arrived;
  expect(first!.events.map((event) => event.data)).toEqual([
    '{"step":0,"text":"word "}',
    '{"step":0,"text":"word more "}',
  ]);
});
