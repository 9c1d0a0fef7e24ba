/** Measures what a token costs on its way from the provider's bytes to the consumer of the gateway, without any network. */
import type { OutboundClient } from '#kernel/outbound';
import { createLogger } from '#kernel/log';
import { createOpenAiAdapter } from '../src/kernel/llm/adapters/openai-adapter.ts';
import { createConnectionPolicies } from '../src/kernel/llm/policies.ts';
import { streamModel, type StreamServices } from '../src/kernel/llm/stream-model.ts';

const chunks = 20_000;
const times = { modelFirstTokenTimeoutMs: 60_000, modelIdleTimeoutMs: 60_000, modelTotalTimeoutMs: 600_000 };

/** wire makes the bytes of a stream as providers send them, some 230 bytes per token, `perRead` tokens to a read. */
function wire(perRead: number): Buffer[] {
  const head =
    '{"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1790000000,"model":"scripted","choices":[{"index":0,';
  const events = Array.from(
    { length: chunks },
    (_, n) => `data: ${head}"delta":{"content":"w${n} "},"logprobs":null,"finish_reason":null}]}\n\n`,
  );
  events.push(`data: ${head}"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n`, 'data: [DONE]\n\n');
  const reads: Buffer[] = [];
  for (let from = 0; from < events.length; from += perRead)
    reads.push(Buffer.from(events.slice(from, from + perRead).join('')));
  return reads;
}

function replaying(reads: readonly Buffer[]): OutboundClient {
  return {
    async fetch() {
      let at = 0;
      const next = () =>
        Promise.resolve(
          at < reads.length
            ? { done: false as const, value: reads[at++] as Buffer }
            : { done: true as const, value: undefined },
        );
      const body = { [Symbol.asyncIterator]: () => ({ next }) };
      return {
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body,
        text: () => Promise.resolve(''),
        discard: () => undefined,
      };
    },
    close: () => Promise.resolve(),
  };
}

function gatewayOver(reads: readonly Buffer[]): StreamServices {
  const adapter = createOpenAiAdapter({
    outbound: replaying(reads),
    connectTimeoutMilliseconds: 1_000,
    totalTimeoutMilliseconds: 60_000,
  });
  const endpoint = { kind: 'openai-compatible' as const, baseUrl: 'http://replay/v1', apiKey: 'replayed' };
  const connection = { id: 'bench', endpoint, contextWindowTokens: 8_192, prices: new Map() };
  const policies = createConnectionPolicies(1_000, 60_000);
  return {
    config: times,
    log: createLogger({ level: 'silent' }),
    credits: { reserve: () => Promise.resolve(null) },
    recorder: { record: () => undefined },
    resolve: () => Promise.resolve({ policies, adapter, connection }),
  };
}

async function readAll(services: StreamServices): Promise<number> {
  let characters = 0;
  const request = {
    scope: { tenantId: 'bench' },
    app: 'bench',
    model: { connectionId: 'bench', model: 'm' },
    messages: [{ role: 'user' as const, content: 'go' }],
  };
  for await (const part of streamModel(services, request))
    if (part.type === 'text-delta') characters += part.text.length;
  return characters;
}

/** AdapterCost is CPU microseconds per token, user and system, median of five runs. */
export interface AdapterCost {
  readonly oneTokenPerRead: number;
  readonly manyTokensPerRead: number;
}

async function measure(perRead: number): Promise<number> {
  const services = gatewayOver(wire(perRead));
  const runs: number[] = [];
  for (let run = 0; run < 7; run += 1) {
    const before = process.cpuUsage();
    await readAll(services);
    const used = process.cpuUsage(before);
    if (run >= 2) runs.push((used.user + used.system) / chunks);
  }
  return runs.sort((a, b) => a - b)[2] ?? Number.NaN;
}

/** measureAdapter runs in this process; nothing else should. */
export async function measureAdapter(): Promise<AdapterCost> {
  return { oneTokenPerRead: await measure(1), manyTokensPerRead: await measure(40) };
}

if (import.meta.main) {
  const { manyTokensPerRead, oneTokenPerRead } = await measureAdapter();
  process.stdout.write(`${JSON.stringify({ microsecondsPerToken: { oneTokenPerRead, manyTokensPerRead } })}\n`);
}
