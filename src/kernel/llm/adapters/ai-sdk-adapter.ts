/** Anthropic and Google through their AI SDK provider packages, at the level of raw stream parts, over our own way out. */
import { ReadableStream as WebStream } from 'node:stream/web';
import type {
  LanguageModelV4,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { isAppError } from '#kernel/errors';
import { llmErrors } from '../errors.ts';
import type { ChatMessage, FinishReason } from '../types.ts';
import { fetchJson, type AdapterOptions } from './openai-adapter.ts';
import { errorOfReport, errorOfResponse, parseRetryAfter, readReport, toModelError } from './provider-error.ts';
import type { Adapter, AdapterCall, AdapterPart, Endpoint, TokenCounts } from './types.ts';

const maxResponseBytes = 64 * 1024 * 1024;

function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // the model wrote nonsense; whoever ran the tool has already said so in its result
  }
}

function toPrompt(messages: readonly ChatMessage[]): LanguageModelV4Prompt {
  const names = new Map(messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ id, name }) => [id, name] as const)));
  return messages.map((message): LanguageModelV4Prompt[number] => {
    const { content, role, toolCallId = '', toolCalls = [] } = message;
    switch (role) {
      case 'system':
        return { role, content };
      case 'user':
        return { role, content: [{ type: 'text', text: content }] };
      case 'tool':
        return {
          role,
          content: [
            {
              type: 'tool-result',
              toolCallId,
              toolName: names.get(toolCallId) ?? 'tool',
              output: { type: 'text', value: content },
            },
          ],
        };
      case 'assistant':
        return {
          role,
          content: [
            ...(content === '' ? [] : [{ type: 'text' as const, text: content }]),
            ...toolCalls.map((call) => ({
              type: 'tool-call' as const,
              toolCallId: call.id,
              toolName: call.name,
              input: parseArguments(call.arguments),
            })),
          ],
        };
    }
  });
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool-calls',
  'content-filter': 'content-filter',
};

/** Anthropic reports fresh, cached and cache-writing input apart, Google the cached as part of all; `total` is the sum for both. */
function toTokens({ inputTokens, outputTokens }: LanguageModelV4Usage): TokenCounts | null {
  if (inputTokens.total === undefined && outputTokens.total === undefined) return null;
  const input = inputTokens.total ?? 0;
  const cached = Math.min(inputTokens.cacheRead ?? 0, input);
  const written = Math.min(inputTokens.cacheWrite ?? 0, input - cached);
  return {
    inputTokens: input,
    cachedInputTokens: cached,
    ...(written > 0 ? { cacheWriteInputTokens: written } : {}),
    outputTokens: outputTokens.total ?? 0,
  };
}

type SdkFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** createFetch gives a provider package our outbound client as its fetch; refusals become our errors right here. */
function createFetch(options: AdapterOptions, call: AdapterCall): SdkFetch {
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const response = await options.outbound.fetch(address, {
      purpose: 'model',
      method: (init?.method as 'GET' | 'POST' | undefined) ?? 'POST',
      headers: Object.fromEntries(new Headers(init?.headers).entries()),
      body: init?.body as string | undefined,
      signal: call.signal,
      maxResponseBytes,
      connectTimeoutMilliseconds: options.connectTimeoutMilliseconds,
      headersTimeoutMilliseconds: options.totalTimeoutMilliseconds,
      idleTimeoutMilliseconds: options.totalTimeoutMilliseconds,
      totalTimeoutMilliseconds: options.totalTimeoutMilliseconds,
    });
    call.onAlive();
    if (response.status !== 200) throw await errorOfResponse(response, call.endpoint.apiKey);
    const body = WebStream.from(watch(response.body, call.onAlive)) as unknown as ReadableStream<
      Uint8Array<ArrayBuffer>
    >;
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

async function* watch(body: AsyncIterable<Uint8Array>, onAlive: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    onAlive();
    yield piece;
  }
}

/** The packages are loaded at the first call: an installation without such a connection never pays for them. */
async function loadModel(options: AdapterOptions, call: AdapterCall): Promise<LanguageModelV4> {
  const { apiKey, baseUrl, kind } = call.endpoint;
  // A key must be given, or the packages would look for one in the environment.
  const settings = { baseURL: baseUrl, apiKey: apiKey ?? 'none', fetch: createFetch(options, call) as typeof fetch };
  if (kind === 'anthropic') {
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    return createAnthropic(settings).languageModel(call.model) as LanguageModelV4;
  }
  const { createGoogle } = await import('@ai-sdk/google');
  return createGoogle(settings).languageModel(call.model) as LanguageModelV4;
}

function findAppError(error: unknown): Error | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (isAppError(cause)) return cause;
  }
  return null;
}

function toError(error: unknown, call: AdapterCall, hasBegun: boolean): Error {
  const known = findAppError(error);
  if (known) return toModelError(known, hasBegun);
  const {
    responseBody,
    responseHeaders = {},
    statusCode,
  } = (error ?? {}) as {
    statusCode?: number;
    responseBody?: string;
    responseHeaders?: Record<string, string>;
  };
  if (statusCode !== undefined && statusCode >= 300) {
    const report = readReport(responseBody === undefined ? null : parseArguments(responseBody));
    return errorOfReport(statusCode, report, {
      apiKey: call.endpoint.apiKey,
      retryAfterSeconds: parseRetryAfter(responseHeaders),
    });
  }
  const report = readReport(error);
  if (!(error instanceof Error) && report.message + report.code !== '')
    return errorOfReport(0, report, { apiKey: call.endpoint.apiKey });
  return llmErrors.MODEL_BAD_RESPONSE({ internal: 'the provider package could not read the answer', cause: error });
}

class PartReader {
  readonly #call: AdapterCall;
  hasBegun = false;
  isFinished = false;

  constructor(call: AdapterCall) {
    this.#call = call;
  }

  read(part: LanguageModelV4StreamPart): readonly AdapterPart[] {
    switch (part.type) {
      case 'text-delta':
        return this.#begin({ type: 'text-delta', text: part.delta }, part.delta);
      case 'reasoning-delta':
        return this.#begin({ type: 'reasoning-delta', text: part.delta }, part.delta);
      case 'tool-call':
        return this.#begin(
          { type: 'tool-call', call: { id: part.toolCallId, name: part.toolName, arguments: part.input } },
          part.input,
        );
      case 'error':
        throw toError(part.error, this.#call, this.hasBegun);
      case 'finish':
        return this.#finish(part.usage, finishReasons[part.finishReason.unified] ?? 'other');
      default:
        return [];
    }
  }

  #begin(part: AdapterPart, text: string): readonly AdapterPart[] {
    if (text === '') return [];
    this.hasBegun = true;
    return [part];
  }

  #finish(usage: LanguageModelV4Usage, reason: FinishReason): readonly AdapterPart[] {
    if (reason === 'content-filter' && !this.hasBegun) throw llmErrors.MODEL_REFUSED();
    // The packages report a stream that just ends as `other`.
    if (reason === 'other' && !this.hasBegun)
      throw llmErrors.MODEL_BAD_RESPONSE({ internal: 'the stream held no answer' });
    if (reason === 'other' && usage.outputTokens.total === undefined) throw llmErrors.MODEL_INTERRUPTED();
    this.isFinished = true;
    const tokens = toTokens(usage);
    return [...(tokens ? [{ type: 'usage' as const, tokens }] : []), { type: 'finish' as const, reason }];
  }
}

async function* openCall(options: AdapterOptions, call: AdapterCall): AsyncGenerator<readonly AdapterPart[]> {
  const reader = new PartReader(call);
  try {
    const model = await loadModel(options, call);
    const { stream } = await model.doStream({
      prompt: toPrompt(call.messages),
      temperature: call.temperature,
      maxOutputTokens: call.maxOutputTokens,
      abortSignal: call.signal,
      ...(call.tools.length > 0
        ? {
            tools: call.tools.map(({ description, name, parameters }) => ({
              type: 'function' as const,
              name,
              description,
              inputSchema: parameters as never,
            })),
          }
        : {}),
    });
    for await (const part of stream) {
      const parts = reader.read(part);
      if (parts.length > 0 || part.type === 'tool-input-start') yield parts;
    }
  } catch (error) {
    throw toError(error, call, reader.hasBegun);
  }
  if (!reader.isFinished)
    throw reader.hasBegun
      ? llmErrors.MODEL_INTERRUPTED()
      : llmErrors.MODEL_BAD_RESPONSE({ internal: 'an empty stream' });
}

async function listModels(
  options: AdapterOptions,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { apiKey, baseUrl, kind } = endpoint;
  if (kind === 'anthropic') {
    const headers = { 'anthropic-version': '2023-06-01', ...(apiKey ? { 'x-api-key': apiKey } : {}) };
    const answer = (await fetchJson(options, { url: `${baseUrl}/models?limit=1000`, headers, apiKey, signal })) as {
      data?: { id: string }[];
    };
    return (answer.data ?? []).map(({ id }) => id);
  }
  const headers: Record<string, string> = apiKey ? { 'x-goog-api-key': apiKey } : {};
  const answer = (await fetchJson(options, { url: `${baseUrl}/models?pageSize=1000`, headers, apiKey, signal })) as {
    models?: { name: string; supportedGenerationMethods?: string[] }[];
  };
  return (answer.models ?? [])
    .filter(({ supportedGenerationMethods: methods }) => methods?.includes('generateContent') ?? true)
    .map(({ name }) => name.replace(/^models\//, ''));
}

/** createAiSdkAdapter makes the adapter for `anthropic` and `google`. */
export function createAiSdkAdapter(options: AdapterOptions): Adapter {
  return {
    open: (call) => openCall(options, call),
    listModels: (endpoint, signal) => listModels(options, endpoint, signal),
  };
}
