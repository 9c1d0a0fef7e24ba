/** The HTTP contract of the model gateway: connections, what they offer and cost, and the calls made. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

export const connectionKind = z.enum(['openai-compatible', 'anthropic', 'google', 'mistral']);

const contextWindowTokens = z.int().min(512).max(10_000_000);
const modelName = z.string().trim().min(1).max(200);
const micros = z.int().min(0).max(1_000_000_000_000);

const fields = {
  name: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .meta({ examples: ['OpenAI'] }),
  kind: connectionKind,
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .describe('Up to and without the operation; no query')
    .meta({ examples: ['https://api.openai.com/v1', 'http://127.0.0.1:11434/v1'] }),
  apiKey: z
    .string()
    .trim()
    .min(1)
    .max(4_000)
    .regex(/^[\x21-\x7e]+$/, 'A key has letters, digits and punctuation of ASCII only')
    .describe('Write-only; the last four characters are shown afterwards'),
  defaultModel: modelName.nullable(),
  contextWindowTokens: contextWindowTokens
    .nullable()
    .describe('Null: 32,768; Anthropic 200,000; Google 1,000,000; Mistral 131,072'),
  isDefault: z.boolean().describe('Offered first to new agents; one per organisation'),
};

/** modelConnection is an endpoint as it is shown: never with its key. `id` null is the built-in offline model. */
export const modelConnection = z.strictObject({
  id: id.nullable(),
  name: z.string(),
  kind: z.enum([...connectionKind.options, 'offline']),
  baseUrl: z.string().nullable(),
  hasKey: z.boolean(),
  keyLastFour: z.string().nullable(),
  defaultModel: z.string().nullable(),
  contextWindowTokens: z.int().nullable(),
  isDefault: z.boolean(),
  createdAt: timestamp.nullable(),
  updatedAt: timestamp.nullable(),
});

export const newModelConnection = z.strictObject({
  name: fields.name,
  kind: fields.kind,
  baseUrl: fields.baseUrl.optional().describe('Default: the address of the provider; needed for openai-compatible'),
  apiKey: fields.apiKey.optional(),
  defaultModel: fields.defaultModel.default(null),
  contextWindowTokens: fields.contextWindowTokens.default(null),
  isDefault: fields.isDefault.default(false),
});

/** modelConnectionPatch changes what it names; `apiKey` null removes the key. A new host asks for the key again. */
export const modelConnectionPatch = z
  .strictObject({ ...fields, apiKey: fields.apiKey.nullable() })
  .omit({ kind: true })
  .partial();

/** connectionDraft is what a form holds before it is saved. `connectionId` lends the saved key, for the same host only. */
export const connectionDraft = z.strictObject({
  kind: fields.kind,
  baseUrl: fields.baseUrl.optional(),
  apiKey: fields.apiKey.optional(),
  connectionId: id.optional(),
  model: modelName.optional().describe('Default: the first the endpoint offers'),
});

/** connectionTest is the outcome of a tiny real call. */
export const connectionTest = z.strictObject({
  isOk: z.boolean(),
  latencyMilliseconds: z.number().min(0),
  model: z.string().nullable().describe('Which model answered'),
  modelCount: z.int().nullable().describe('How many models it offers; null when it does not say'),
  problem: z
    .strictObject({ code: z.string(), detail: z.string(), isRetryable: z.boolean() })
    .nullable()
    .describe('What to mend, when it did not work'),
});

export const discoveredEndpoint = z.strictObject({
  program: z.enum(['ollama', 'llama.cpp']),
  baseUrl: z.string(),
  models: z.array(z.string()),
});

/** modelPrice is in millionths of the installation's currency per million tokens: 2,500,000 is 2.50. */
export const modelPrice = z.strictObject({
  connectionId: id,
  model: modelName,
  inputMicrosPerMillionTokens: micros,
  cachedInputMicrosPerMillionTokens: micros.describe('Tokens read from the provider’s cache'),
  cacheWriteInputMicrosPerMillionTokens: micros
    .nullable()
    .default(null)
    .describe('Tokens written to the provider’s cache (Anthropic); null: as other input'),
  outputMicrosPerMillionTokens: micros,
});

export const modelCall = z.strictObject({
  id,
  app: z.string(),
  subjectId: z.string().nullable(),
  runId: id.nullable(),
  userId: id.nullable(),
  connectionId: id.nullable(),
  model: z.string(),
  inputTokens: z.int(),
  cachedInputTokens: z.int(),
  cacheWriteInputTokens: z.int(),
  outputTokens: z.int(),
  isEstimated: z.boolean(),
  costMicros: z.int().nullable(),
  firstTokenMilliseconds: z.int().nullable(),
  durationMilliseconds: z.int(),
  attempts: z.int(),
  outcome: z.string().describe('`ok`, `aborted`, or the code of an error'),
  createdAt: timestamp,
});

const connectionParams = z.strictObject({ connectionId: id });

export const modelsContract = defineContract({
  'GET /model-connections': {
    summary: 'List model connections, newest first; the built-in offline model leads the first page',
    query: pageQuery,
    response: page(modelConnection),
  },
  'POST /model-connections': {
    summary: 'Connect a model endpoint',
    body: newModelConnection,
    response: modelConnection,
    status: 201,
  },
  'POST /model-connections/test': {
    summary: 'Try values before saving them',
    body: connectionDraft,
    response: connectionTest,
  },
  'GET /model-connections/{connectionId}': {
    summary: 'Read a model connection',
    params: connectionParams,
    response: modelConnection,
  },
  'PATCH /model-connections/{connectionId}': {
    summary: 'Change a model connection',
    params: connectionParams,
    body: modelConnectionPatch,
    response: modelConnection,
  },
  'DELETE /model-connections/{connectionId}': {
    summary: 'Delete a model connection with its key and prices',
    params: connectionParams,
    status: 204,
  },
  'POST /model-connections/{connectionId}/test': {
    summary: 'Make a tiny real call through a connection',
    params: connectionParams,
    body: z.strictObject({ model: modelName.optional() }),
    response: connectionTest,
  },
  'GET /model-connections/{connectionId}/models': {
    summary: 'Ask the endpoint which models it offers',
    params: connectionParams,
    response: z.strictObject({ models: z.array(z.string()) }),
  },
  'GET /model-discovery': {
    summary: 'Look for an Ollama or llama.cpp on the server itself',
    response: z.strictObject({ endpoints: z.array(discoveredEndpoint) }),
  },
  'GET /model-prices': { summary: 'List stated prices, by model', query: pageQuery, response: page(modelPrice) },
  'PUT /model-prices': { summary: 'State the price of a model', body: modelPrice, response: modelPrice },
  'GET /model-calls': { summary: 'List calls to models, newest first', query: pageQuery, response: page(modelCall) },
});

export type ModelConnection = z.output<typeof modelConnection>;
export type NewModelConnection = z.output<typeof newModelConnection>;
export type ModelConnectionPatch = z.output<typeof modelConnectionPatch>;
export type ConnectionDraft = z.output<typeof connectionDraft>;
export type ConnectionTest = z.output<typeof connectionTest>;
export type DiscoveredEndpoint = z.output<typeof discoveredEndpoint>;
export type ModelPrice = z.output<typeof modelPrice>;
export type ModelCall = z.output<typeof modelCall>;
