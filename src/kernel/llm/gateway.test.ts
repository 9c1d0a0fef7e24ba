/** Proves what the gateway adds around a stream: discovery, records that survive a sick database, and changes seen by every process. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createLogger } from '#kernel/log';
import { createOutboundClient } from '#kernel/outbound';
import { startModelServer } from '#testing/model-server';
import { createCallRecorder, type CallRecord } from './call-recorder.ts';
import { discoverEndpoints } from './discover.ts';
import { costOf, worstCostOf } from './model-call.ts';

const log = createLogger({ level: 'silent' });

function outboundTo(networks: readonly string[]) {
  const outbound = createOutboundClient({
    config: { modelPrivateNetworks: networks, outboundPrivateNetworks: [] },
    log,
  });
  return { ...outbound, [Symbol.asyncDispose]: () => outbound.close() };
}

test('[K11.1] an Ollama and a llama.cpp on this machine are found with their models; what is not there is not offered', async () => {
  await using ollama = await startModelServer({ flavour: 'ollama' });
  await using llama = await startModelServer({ flavour: 'llama.cpp' });
  await using outbound = outboundTo(['127.0.0.0/8']);
  const addresses = [
    { program: 'ollama' as const, url: ollama.url },
    { program: 'llama.cpp' as const, url: llama.url },
    { program: 'llama.cpp' as const, url: 'http://127.0.0.1:9' },
  ];
  const found = await discoverEndpoints(outbound, addresses);
  expect(found.map(({ baseUrl, program }) => [program, baseUrl])).toEqual([
    ['ollama', `${ollama.url}/v1`],
    ['llama.cpp', `${llama.url}/v1`],
  ]);
  expect(found[0]?.models).toContain('echo:latest');
  expect(found[1]?.models).toContain('echo');
});

test('[K11.1] [K11.6] discovery ends within its 300 ms, and finds nothing where private addresses are not allowed', async () => {
  const silent = createServer(() => undefined);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await using open = outboundTo(['127.0.0.0/8']);
  const startedAt = performance.now();
  expect(await discoverEndpoints(open, [{ program: 'ollama', url }])).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(5_000); // most of it for a busy machine
  silent.closeAllConnections();
  silent.close();
  await using ollama = await startModelServer({ flavour: 'ollama' });
  await using closed = outboundTo([]);
  expect(await discoverEndpoints(closed, [{ program: 'ollama', url: ollama.url }])).toEqual([]);
});

const call: CallRecord = {
  tenantId: 't',
  userId: null,
  app: 'a',
  subjectId: null,
  runId: null,
  keyId: null,
  connectionId: null,
  model: 'm',
  inputTokens: 1,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 1,
  isEstimated: false,
  costMicros: null,
  firstTokenMs: 1,
  durationMs: 2,
  attempts: 1,
  outcome: 'ok',
  reservationId: null,
};

const noCredits = { settle: () => Promise.resolve(false), end: () => undefined, alert: () => Promise.resolve() };

test('[K11.4] records wait while the database is away and are written once when it is back', async () => {
  const written: string[] = [];
  let isAway = true;
  const withSystem = vi.fn(async (_reason: string, work: (tx: never) => Promise<unknown>) => {
    if (isAway) throw new Error('connection refused');
    return work({
      query: async ({ values }: { values: [string] }) => {
        const rows = JSON.parse(values[0]) as { id: string; model: string }[];
        written.push(...rows.map(({ model }) => model));
        return rows;
      },
    } as never);
  });
  const recorder = createCallRecorder({ withSystem } as never, log, noCredits);
  recorder.record({ ...call, model: 'first' });
  await recorder.flush();
  recorder.record({ ...call, model: 'second' });
  expect(written).toEqual([]);
  isAway = false;
  await recorder.flush();
  expect(written).toEqual(['first', 'second']);
  await recorder.flush();
  expect(written).toHaveLength(2);
});

test('[K11.4] a record the database refuses for good does not hold up the others', async () => {
  const written: unknown[] = [];
  let isFirst = true;
  const withSystem = async (_reason: string, work: (tx: never) => Promise<unknown>) => {
    if (isFirst) {
      isFirst = false;
      throw Object.assign(new Error('violates check constraint'), { code: '23514' });
    }
    return work({ query: async (statement: unknown) => (written.push(statement), []) } as never);
  };
  const recorder = createCallRecorder({ withSystem } as never, log, noCredits);
  recorder.record(call);
  await recorder.flush();
  recorder.record(call);
  await recorder.flush();
  expect(written).toHaveLength(1);
});

test('[K11.4] cost counts fresh and cached input apart; without a price it is unknown rather than nothing', () => {
  const tokens = { inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 100 };
  expect(costOf(tokens, { input: 3_000_000, cachedInput: 300_000, output: 15_000_000 })).toBe(1_800 + 120 + 1_500);
  expect(costOf(tokens, { input: 0, cachedInput: 0, output: 0 })).toBe(0);
  expect(costOf(tokens, undefined)).toBeNull();
});

test('[K4.5] what was written to a cache costs its own price, and the worst case is never less than the true cost', () => {
  const price = { input: 3_000_000, cachedInput: 300_000, cacheWriteInput: 3_750_000, output: 15_000_000 };
  const tokens = { inputTokens: 1_000, cachedInputTokens: 400, cacheWriteInputTokens: 500, outputTokens: 100 };
  expect(costOf(tokens, price)).toBe(300 + 120 + 1_875 + 1_500);
  expect(costOf(tokens, { ...price, cacheWriteInput: undefined } as never)).toBe(300 + 120 + 1_500 + 1_500);
  const count = fc.integer({ min: 0, max: 100_000 });
  const rate = fc.integer({ min: 0, max: 100_000_000 });
  fc.assert(
    fc.property(count, count, count, count, rate, rate, rate, rate, (fresh, cached, written, output, a, b, c, d) => {
      const prices = { input: a, cachedInput: b, cacheWriteInput: c, output: d };
      const used = {
        inputTokens: fresh + cached + written,
        cachedInputTokens: cached,
        cacheWriteInputTokens: written,
        outputTokens: output,
      };
      const worst = worstCostOf(used.inputTokens, output, prices);
      expect(worst).toBeGreaterThanOrEqual(costOf(used, prices) ?? 0);
      expect(Number.isSafeInteger(worst)).toBe(true);
    }),
  );
});

test('[K4.5] a call is settled in the transaction that records it, with its lease kept until then', async () => {
  const acts: string[] = [];
  const withSystem = async (_reason: string, work: (tx: never) => Promise<unknown>) => {
    const query = async ({ values }: { values: [string] }) => (acts.push('record'), JSON.parse(values[0]));
    const result = await work({ query } as never);
    acts.push('commit');
    return result;
  };
  const recorder = createCallRecorder({ withSystem } as never, log, {
    settle: (_tx, [settlement]) => {
      acts.push(`settle ${settlement?.costMicros} ${settlement?.tokens}`);
      return Promise.resolve(true);
    },
    end: (id) => void acts.push(`end ${id}`),
    alert: async () => void acts.push('alert'),
  });
  recorder.record({ ...call, costMicros: 12, reservationId: 'r1' });
  await recorder.flush();
  expect(acts).toEqual(['record', 'settle 12 2', 'commit', 'end r1', 'alert']);
});
