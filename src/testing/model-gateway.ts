/** A test gets the gateway's streaming part before a scripted endpoint, with its records and log lines at hand. */
import { isAppError, type AppError } from '#kernel/errors';
import { createLogger } from '#kernel/log';
import { createOutboundClient } from '#kernel/outbound';
import { createOpenAiAdapter } from '../kernel/llm/adapters/openai-adapter.ts';
import type { CallRecord } from '../kernel/llm/call-recorder.ts';
import { createConnectionPolicies } from '../kernel/llm/policies.ts';
import type { StreamServices } from '../kernel/llm/stream-model.ts';
import type { ModelRequest, StreamPart } from '../kernel/llm/types.ts';
import { startModelServer, type ModelServerOptions } from './model-server.ts';

/** apiKey is the key of the connection; a canary, so that it must turn up nowhere. */
export const apiKey = 'sk-test-canary-4f9a8b7c6d5e';
const patient = { modelFirstTokenTimeoutMs: 10_000, modelIdleTimeoutMs: 10_000, modelTotalTimeoutMs: 20_000 };

export interface ModelGatewaySetup extends ModelServerOptions {
  readonly times?: Partial<typeof patient>;
  readonly concurrency?: number;
  readonly baseUrl?: string;
}

/** startModelGateway starts a scripted endpoint and the gateway's streaming part before it; connections are given instead of stored. */
export async function startModelGateway({ baseUrl, concurrency = 100, times, ...server }: ModelGatewaySetup = {}) {
  const endpoint = await startModelServer(server);
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  const outbound = createOutboundClient({
    config: { modelPrivateNetworks: ['127.0.0.0/8'], outboundPrivateNetworks: [] },
    log,
  });
  const config = { ...patient, ...times };
  const adapter = createOpenAiAdapter({
    outbound,
    connectTimeoutMilliseconds: 1_000,
    totalTimeoutMilliseconds: config.modelTotalTimeoutMs,
  });
  const policies = createConnectionPolicies(concurrency, config.modelFirstTokenTimeoutMs);
  const records: CallRecord[] = [];
  const services: StreamServices = {
    config,
    log,
    credits: { reserve: () => Promise.resolve(null) },
    recorder: { record: (call) => void records.push(call) },
    resolve: ({ model }) =>
      Promise.resolve({
        policies,
        adapter,
        connection: {
          id: 'connection',
          endpoint: { kind: 'openai-compatible', baseUrl: baseUrl ?? `${endpoint.url}/v1`, apiKey },
          contextWindowTokens: 8_192,
          prices: new Map([[model.model, { input: 2_000_000, cachedInput: 500_000, output: 8_000_000 }]]),
        },
      }),
  };
  return {
    endpoint,
    services,
    records,
    lines,
    policies,
    async [Symbol.asyncDispose]() {
      await outbound.close();
      await endpoint.close();
    },
  };
}

/** request is a request for a scripted model. */
export function request(model: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    scope: { tenantId: 'tenant', userId: 'user' },
    app: 'tests',
    model: { connectionId: 'connection', model },
    messages: [{ role: 'user', content: 'one two three' }],
    ...more,
  };
}

/** Heard is a stream that has ended; `error` null means well. */
export interface Heard {
  readonly text: string;
  readonly parts: StreamPart[];
  readonly error: AppError | null;
}

/** hear reads a stream to its end, however it ends. */
export async function hear(stream: AsyncIterable<StreamPart>): Promise<Heard> {
  const parts: StreamPart[] = [];
  let error: AppError | null = null;
  try {
    for await (const part of stream) parts.push(part);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    error = thrown;
  }
  return { parts, error, text: parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('') };
}
