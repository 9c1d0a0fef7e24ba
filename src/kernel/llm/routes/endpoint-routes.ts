/** Routes that call out to endpoints: testing, listing what they offer, and finding those on this machine. */
import type { Tx } from '#kernel/db';
import { defineRoute, type Limit, type SignedInContext } from '#kernel/http';
import { isSameHost, normalizeBaseUrl } from '../base-url.ts';
import { readConnection } from '../connection-rows.ts';
import { keyPlace } from '../connection-store.ts';
import { modelsContract, type ConnectionDraft } from '../contract.ts';
import { llmErrors } from '../errors.ts';

const testLimit: Limit = { name: 'models.test', max: 20, windowSeconds: 60, by: 'user' };
const lookLimit: Limit = { name: 'models.look', max: 60, windowSeconds: 60, by: 'user' };
const read = { permission: 'models.connection.read' };
const write = { permission: 'models.connection.write' };

/** openSavedKey lends the key of a saved connection to a draft that goes to the same host, and to no other. */
async function openSavedKey(
  ctx: SignedInContext,
  tx: Tx,
  connectionId: string,
  baseUrl: string,
): Promise<string | null> {
  const { tenantId } = ctx.principal;
  const row = await readConnection(tx, tenantId, connectionId);
  if (!row.has_key) return null;
  if (!isSameHost(row.base_url, baseUrl)) {
    throw llmErrors.MODEL_KEY_REQUIRED({
      errors: [{ pointer: '/body/apiKey', detail: 'needed again for another host' }],
    });
  }
  const [secret] = await tx.query<{ api_key_ciphertext: string }>({
    text: 'select api_key_ciphertext from kernel.model_connections where tenant_id = $1 and id = $2',
    values: [tenantId, connectionId],
  });
  return secret ? ctx.services.secrets.open(tx, keyPlace(tenantId, connectionId), secret.api_key_ciphertext) : null;
}

async function keyOfDraft(ctx: SignedInContext, draft: ConnectionDraft, baseUrl: string): Promise<string | null> {
  const { apiKey, connectionId } = draft;
  if (apiKey !== undefined) return apiKey;
  return connectionId === undefined ? null : ctx.tenant((tx) => openSavedKey(ctx, tx, connectionId, baseUrl));
}

export const testDraft = defineRoute(modelsContract, 'POST /model-connections/test', {
  id: 'models.connection.test-draft',
  access: write,
  limit: testLimit,
  errors: ['NOT_FOUND', 'MODEL_BASE_URL_REQUIRED', 'MODEL_KEY_REQUIRED'],
  async handler(ctx) {
    const { kind, model } = ctx.body;
    const baseUrl = normalizeBaseUrl(kind, ctx.body.baseUrl);
    const apiKey = await keyOfDraft(ctx as unknown as SignedInContext, ctx.body, baseUrl);
    return ctx.services.llm.testConnection({ kind, baseUrl, apiKey, model });
  },
});

export const testSaved = defineRoute(modelsContract, 'POST /model-connections/{connectionId}/test', {
  id: 'models.connection.test',
  access: write,
  limit: testLimit,
  async handler(ctx) {
    const { body, params, principal, services } = ctx;
    const { default_model: preferred } = await ctx.tenant((tx) =>
      readConnection(tx, principal.tenantId, params.connectionId),
    );
    const model = body.model ?? preferred ?? undefined;
    return services.llm.testConnection({ scope: principal, connectionId: params.connectionId, model });
  },
});

export const listModels = defineRoute(modelsContract, 'GET /model-connections/{connectionId}/models', {
  id: 'models.connection.models',
  access: read,
  limit: lookLimit,
  errors: [
    'MODEL_BAD_KEY',
    'MODEL_NOT_FOUND',
    'MODEL_UNREACHABLE',
    'MODEL_TIMEOUT',
    'MODEL_BAD_RESPONSE',
    'MODEL_OVERLOADED',
    'MODEL_RATE_LIMITED',
    'MODEL_ADDRESS_FORBIDDEN',
  ],
  async handler(ctx) {
    const { params, principal, services } = ctx;
    await ctx.tenant((tx) => readConnection(tx, principal.tenantId, params.connectionId));
    return { models: [...(await services.llm.listModels(principal, params.connectionId))] };
  },
});

export const discover = defineRoute(modelsContract, 'GET /model-discovery', {
  id: 'models.connection.discover',
  access: write,
  limit: lookLimit,
  async handler({ services }) {
    const found = await services.llm.discover();
    return { endpoints: found.map(({ models, ...endpoint }) => ({ ...endpoint, models: [...models] })) };
  },
});
