/** Proves who may call when, what is tried again, and what another model is asked for (K11.3). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test, vi } from 'vitest';
import { hear, request, startModelGateway } from '#testing/model-gateway';
import { streamModel, streamWithFallbacks } from './stream-model.ts';

test('[K11.3] a failure before the first part is tried again, and counts as one call', async () => {
  await using bench = await startModelGateway();
  const { error, text } = await hear(streamModel(bench.services, request('status-503-once')));
  expect(error).toBeNull();
  expect(text).toBe('second time lucky');
  expect(bench.records).toHaveLength(1);
  expect(bench.records[0]?.attempts).toBe(2);
});

test('[K11.3] retries end after three requests, and never follow a first part or an error that would only repeat', async () => {
  await using bench = await startModelGateway();
  await hear(streamModel(bench.services, request('status-503')));
  expect(bench.endpoint.requests).toHaveLength(3);
  await hear(streamModel(bench.services, request('die-middle')));
  expect(bench.endpoint.requests).toHaveLength(4);
  await hear(streamModel(bench.services, request('status-401')));
  expect(bench.endpoint.requests).toHaveLength(5);
  await hear(streamModel(bench.services, request('status-429'))); // asks for 7 s, longer than a person waits
  expect(bench.endpoint.requests).toHaveLength(6);
});

test('[K11.3] more calls than the cap wait for a slot, in turn; beyond the queue they are told so', async () => {
  await using bench = await startModelGateway({ concurrency: 2 });
  let most = 0;
  bench.endpoint.setScript(() => {
    most = Math.max(most, bench.endpoint.openStreams);
    return { kind: 'answer', deltas: ['a', 'b'], gapMs: 20 };
  });
  const heard = await Promise.all(Array.from({ length: 6 }, () => hear(streamModel(bench.services, request('any')))));
  expect(most).toBeLessThanOrEqual(2);
  expect(heard.filter(({ text }) => text === 'ab')).toHaveLength(4);
  expect(heard.filter(({ error }) => error?.code === 'MODEL_OVERLOADED')).toHaveLength(2);
});

test('[K11.3] a waiting call can be aborted', async () => {
  await using bench = await startModelGateway({ concurrency: 1 });
  const holder = new AbortController();
  const holding = hear(streamModel(bench.services, request('stall-middle', { signal: holder.signal })));
  await expect.poll(() => bench.endpoint.openStreams).toBe(1);
  const waiter = new AbortController();
  const waiting = hear(streamModel(bench.services, request('echo', { signal: waiter.signal })));
  waiter.abort();
  expect((await waiting).error?.code).toBe('MODEL_ABORTED');
  expect(bench.endpoint.requests).toHaveLength(1);
  holder.abort();
  await holding;
});

test('[K11.3] an endpoint that keeps failing is given a rest: further calls fail at once, without asking it', async () => {
  await using bench = await startModelGateway();
  bench.endpoint.setScript(() => ({ kind: 'error', status: 500, message: 'down', headers: { 'retry-after': '0' } }));
  for (let call = 0; call < 3; call += 1) await hear(streamModel(bench.services, request('any')));
  expect(bench.policies.isResting).toBe(true);
  const asked = bench.endpoint.requests.length;
  const { error } = await hear(streamModel(bench.services, request('any')));
  expect(error).toMatchObject({ code: 'MODEL_OVERLOADED', options: { retryAfterSeconds: 10 } });
  expect(bench.endpoint.requests).toHaveLength(asked);
});

test('[K11.3] errors of the caller do not give the endpoint a rest', async () => {
  await using bench = await startModelGateway();
  for (let call = 0; call < 12; call += 1) await hear(streamModel(bench.services, request('status-401')));
  expect(bench.policies.isResting).toBe(false);
});

test('[K11.3] a fallback answers when the first model fails before its first part, never after', async () => {
  await using bench = await startModelGateway();
  const fallbacks = [
    { connectionId: 'connection', model: 'status-404' },
    { connectionId: 'connection', model: 'echo' },
  ];
  const saved = await hear(streamWithFallbacks(bench.services, request('status-401', { fallbacks })));
  expect(saved.text).toBe('one two three');
  expect(bench.records.map(({ model, outcome }) => [model, outcome])).toEqual([
    ['status-401', 'MODEL_BAD_KEY'],
    ['status-404', 'MODEL_NOT_FOUND'],
    ['echo', 'ok'],
  ]);
  const broken = await hear(streamWithFallbacks(bench.services, request('die-middle', { fallbacks })));
  expect(broken.error?.code).toBe('MODEL_INTERRUPTED');
});

test('[K11.3] a connection is used again for the next call', async () => {
  await using bench = await startModelGateway();
  bench.endpoint.setScript(() => ({ kind: 'answer', deltas: ['ok'] }));
  const opened = vi.fn<() => void>();
  subscribe('undici:client:connected', opened);
  for (let call = 0; call < 5; call += 1) {
    await hear(streamModel(bench.services, request('any')));
    await expect.poll(() => bench.endpoint.openStreams).toBe(0);
  }
  unsubscribe('undici:client:connected', opened);
  expect(opened.mock.calls.length).toBeLessThanOrEqual(2);
});

test('[K11.3] a call that waits too long for a slot is told so, and leaves the slot to others', async () => {
  await using bench = await startModelGateway({ concurrency: 1, times: { modelFirstTokenTimeoutMs: 1_500 } });
  const holder = new AbortController();
  const holding = hear(streamModel(bench.services, request('stall-middle', { signal: holder.signal })));
  await expect.poll(() => bench.endpoint.openStreams).toBe(1);
  expect((await hear(streamModel(bench.services, request('echo')))).error?.code).toBe('MODEL_OVERLOADED');
  holder.abort();
  await holding;
  expect((await hear(streamModel(bench.services, request('echo')))).text).toBe('one two three');
});
