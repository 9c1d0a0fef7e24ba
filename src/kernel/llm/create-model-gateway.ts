/** The gateway: every call of every application to any model goes through here, under one set of policies and records. */
import type { Config } from '#kernel/config';
import type { Credits } from '#kernel/credits';
import type { Database, TenantScope, Tx } from '#kernel/db';
import type { Logger } from '#kernel/log';
import type { OutboundClient } from '#kernel/outbound';
import type { SecretBox } from '#kernel/secrets';
import { createAiSdkAdapter } from './adapters/ai-sdk-adapter.ts';
import { createOfflineAdapter, offlineModel } from './adapters/offline-adapter.ts';
import { createOpenAiAdapter } from './adapters/openai-adapter.ts';
import type { Adapter, Endpoint } from './adapters/types.ts';
import { createCallRecorder } from './call-recorder.ts';
import { createConnectionStore, type ReadyConnection } from './connection-store.ts';
import { discoverEndpoints, wellKnownAddresses, type LocalAddress } from './discover.ts';
import { llmErrors } from './errors.ts';
import { createConnectionPolicies, type ConnectionPolicies } from './policies.ts';
import {
  streamModel,
  streamWithFallbacks,
  type StreamConfig,
  type StreamServices,
  type Target,
} from './stream-model.ts';
import { testEndpoint } from './test-connection.ts';
import type { ModelGateway, ModelRequest, TestOutcome, TestTarget } from './types.ts';

export interface ModelGatewayOptions {
  readonly db: Database;
  readonly secrets: SecretBox;
  readonly outbound: OutboundClient;
  readonly credits: Pick<Credits, 'reserve' | 'settle' | 'end' | 'alert'>;
  readonly config: StreamConfig & Pick<Config, 'modelConnectTimeoutMs' | 'modelConcurrency'>;
  readonly log: Logger;
  /** Where discovery looks; the well-known addresses by default. */
  readonly localAddresses?: readonly LocalAddress[];
}

const offlineConnection: ReadyConnection = {
  id: offlineModel,
  endpoint: { kind: 'offline', baseUrl: '', apiKey: null },
  contextWindowTokens: Number.MAX_SAFE_INTEGER,
  prices: new Map([[offlineModel, { input: 0, cachedInput: 0, output: 0 }]]),
};

function createAdapters({ config, outbound }: ModelGatewayOptions): Readonly<Record<Endpoint['kind'], Adapter>> {
  const options = {
    outbound,
    connectTimeoutMilliseconds: config.modelConnectTimeoutMs,
    totalTimeoutMilliseconds: config.modelTotalTimeoutMs,
  };
  const openAi = createOpenAiAdapter(options);
  const aiSdk = createAiSdkAdapter(options);
  return {
    'openai-compatible': openAi,
    mistral: openAi,
    anthropic: aiSdk,
    google: aiSdk,
    offline: createOfflineAdapter(),
  };
}

/** assertConnection refuses what row-level security does not show: another organisation's connection does not exist here. */
async function assertConnection(tx: Tx, connectionId: string | null): Promise<void> {
  if (connectionId === null) return;
  const rows = await tx.query({
    name: 'llm.assert-connection',
    text: 'select 1 from kernel.model_connections where tenant_id = $1 and id = $2',
    values: [tx.scope?.tenantId, connectionId],
  });
  if (rows.length === 0) throw llmErrors.MODEL_CONNECTION_NOT_FOUND();
}

interface PolicyBook extends Pick<ModelGateway, 'health'> {
  readonly find: (key: string) => ConnectionPolicies;
}

/** createPolicyBook has the policies of each connection; those long unused are forgotten with their breaker's memory. */
function createPolicyBook({ modelConcurrency, modelFirstTokenTimeoutMs }: ModelGatewayOptions['config']): PolicyBook {
  const maxKept = 10_000;
  const book = new Map<string, ConnectionPolicies>();
  return {
    find(key) {
      const known = book.get(key);
      if (known) return known;
      const [oldest] = book.keys();
      if (book.size >= maxKept && oldest !== undefined) book.delete(oldest);
      const policies = createConnectionPolicies(modelConcurrency, modelFirstTokenTimeoutMs);
      book.set(key, policies);
      return policies;
    },
    health: () => ({ endpoints: book.size, resting: [...book.values()].filter(({ isResting }) => isResting).length }),
  };
}

/** createModelGateway makes the gateway. Close it after the runs have been drained: it writes the last records. */
export function createModelGateway(options: ModelGatewayOptions): ModelGateway {
  const { config, credits, db, log, outbound, secrets } = options;
  const adapters = createAdapters(options);
  const connections = createConnectionStore(db, secrets, log);
  const recorder = createCallRecorder(db, log, credits);
  const policyBook = createPolicyBook(config);

  async function resolve({ model, scope }: ModelRequest): Promise<Target> {
    if (model.connectionId === null) {
      if (model.model !== offlineModel) throw llmErrors.MODEL_NOT_FOUND();
      return { policies: null, adapter: adapters.offline, connection: offlineConnection };
    }
    const connection = await connections.find(scope, model.connectionId);
    const policies = policyBook.find(`${scope.tenantId}/${connection.id}`);
    return { policies, adapter: adapters[connection.endpoint.kind], connection };
  }

  async function endpointOf(target: TestTarget): Promise<Endpoint> {
    if ('connectionId' in target) return (await connections.find(target.scope, target.connectionId)).endpoint;
    return { kind: target.kind, baseUrl: target.baseUrl, apiKey: target.apiKey };
  }

  const services: StreamServices = { config, credits, log, recorder, resolve };
  return {
    health: policyBook.health,
    stream: (request) =>
      request.fallbacks?.length ? streamWithFallbacks(services, request) : streamModel(services, request),
    async listModels(scope: TenantScope, connectionId: string) {
      const { endpoint } = await connections.find(scope, connectionId);
      return adapters[endpoint.kind].listModels(endpoint, AbortSignal.timeout(20_000));
    },
    async testConnection(target): Promise<TestOutcome> {
      const endpoint = await endpointOf(target);
      return testEndpoint(adapters[endpoint.kind], endpoint, target.model);
    },
    discover: () => discoverEndpoints(outbound, options.localAddresses ?? wellKnownAddresses),
    assertConnection,
    invalidate: (connectionId) => connections.invalidate(connectionId),
    async close() {
      await recorder.flush();
      await connections.close();
    },
  };
}
