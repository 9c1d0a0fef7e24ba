/** The adapter most traffic takes: any endpoint that speaks OpenAI's chat completions, parsed as the bytes arrive. */
import type { OutboundClient, OutboundResponse } from '#kernel/outbound';
import { llmErrors } from '../errors.ts';
import type { ChatMessage } from '../types.ts';
import { LineSplitter } from './line-splitter.ts';
import { ChunkReader } from './openai-chunks.ts';
import { errorOfResponse, toModelError } from './provider-error.ts';
import type { Adapter, AdapterCall, AdapterPart, Endpoint } from './types.ts';

export interface AdapterOptions {
  readonly outbound: OutboundClient;
  readonly connectTimeoutMilliseconds: number;
  readonly totalTimeoutMilliseconds: number;
}

const maxResponseBytes = 64 * 1024 * 1024;
const maxListBytes = 4 * 1024 * 1024;
/** An endpoint that gave its finish reason but neither `[DONE]` nor an end is done after this silence. */
const lingerMilliseconds = 2_000;

function toWireMessage(message: ChatMessage): Record<string, unknown> {
  const { content, role, toolCallId, toolCalls } = message;
  return {
    role,
    content: content === '' && toolCalls?.length ? null : content,
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolCalls?.length
      ? {
          tool_calls: toolCalls.map((call) => ({
            id: call.id,
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
          })),
        }
      : {}),
  };
}

/** OpenAI's newer models refuse `max_tokens`, everybody else's endpoints know only that. */
function maxTokensField(baseUrl: string): string {
  return new URL(baseUrl).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens';
}

function toWireBody(call: AdapterCall): string {
  const { maxOutputTokens, temperature, tools } = call;
  return JSON.stringify({
    model: call.model,
    messages: call.messages.map(toWireMessage),
    stream: true,
    // Mistral sends usage unasked and refuses the option.
    ...(call.endpoint.kind === 'mistral' ? {} : { stream_options: { include_usage: true } }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : { [maxTokensField(call.endpoint.baseUrl)]: maxOutputTokens }),
    ...(tools.length > 0 ? { tools: tools.map((tool) => ({ type: 'function', function: tool })) } : {}),
  });
}

function headersOf(endpoint: Endpoint): Record<string, string> {
  return endpoint.apiKey ? { authorization: `Bearer ${endpoint.apiKey}` } : {};
}

async function* readWhole(response: OutboundResponse, reader: ChunkReader): AsyncGenerator<readonly AdapterPart[]> {
  const parts: AdapterPart[] = [];
  try {
    reader.read(JSON.parse(await response.text()) as never, parts);
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw llmErrors.MODEL_BAD_RESPONSE({ detail: 'The model endpoint answered with broken JSON.', cause });
    throw cause;
  }
  if (reader.finishReason === null) throw llmErrors.MODEL_BAD_RESPONSE({ internal: 'a JSON answer without choices' });
  reader.finish(parts);
  yield parts;
}

/** endOf judges a stream that ended without `[DONE]`: fine after a finish reason, else broken off or no stream at all. */
function endOf(reader: ChunkReader, hasBegun: boolean): void {
  if (reader.finishReason !== null || reader.isDone) return;
  if (hasBegun || reader.hasToolCalls)
    throw llmErrors.MODEL_INTERRUPTED({ internal: 'the stream ended without a finish reason' });
  throw llmErrors.MODEL_BAD_RESPONSE({
    detail: 'The model endpoint answered with something that is not a stream of chat completions.',
  });
}

/** drain reads what follows `[DONE]`, usually nothing, so that the connection can be used again. */
function drain(body: AsyncIterator<Uint8Array>, response: OutboundResponse): void {
  const timer = setTimeout(() => response.discard(), lingerMilliseconds);
  async function readOn(): Promise<void> {
    try {
      while (!(await body.next()).done);
    } catch {
      // The answer is complete; how the connection ends no longer matters.
    } finally {
      clearTimeout(timer);
    }
  }
  void readOn();
}

async function* readStream(
  response: OutboundResponse,
  reader: ChunkReader,
  onAlive: () => void,
): AsyncGenerator<readonly AdapterPart[]> {
  const splitter = new LineSplitter();
  const body = response.body[Symbol.asyncIterator]();
  let parts: AdapterPart[] = [];
  let hasBegun = false;
  let linger: NodeJS.Timeout | null = null;
  const onLine = (line: string): void => reader.readLine(line, parts);
  try {
    for (let read = await body.next(); !read.done && !reader.isDone; read = await body.next()) {
      onAlive();
      splitter.push(read.value, onLine);
      if (reader.isDone) break;
      if (parts.length > 0 || (reader.hasToolCalls && !hasBegun)) {
        hasBegun = true;
        yield parts;
        parts = [];
      }
      if (reader.finishReason !== null) linger ??= setTimeout(() => response.discard(), lingerMilliseconds);
    }
    splitter.flush(onLine);
  } catch (error) {
    // What came before the failure stands.
    if (parts.length > 0) yield parts;
    hasBegun ||= parts.length > 0;
    parts = [];
    response.discard();
    // After the finish reason only usage can be missing; a broken connection then is as good as an end.
    if (reader.finishReason === null) throw toModelError(error, hasBegun);
  } finally {
    if (linger) clearTimeout(linger);
  }
  endOf(reader, hasBegun || parts.length > 0);
  if (reader.isDone) drain(body, response);
  reader.finish(parts);
  yield parts;
}

async function* openCall(options: AdapterOptions, call: AdapterCall): AsyncGenerator<readonly AdapterPart[]> {
  const { endpoint, onAlive, signal } = call;
  let response: OutboundResponse;
  try {
    response = await options.outbound.fetch(`${endpoint.baseUrl}/chat/completions`, {
      purpose: 'model',
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headersOf(endpoint) },
      body: toWireBody(call),
      signal,
      maxResponseBytes,
      connectTimeoutMilliseconds: options.connectTimeoutMilliseconds,
      // First token and idle are watched by the gateway, which knows what a sign of life is.
      headersTimeoutMilliseconds: options.totalTimeoutMilliseconds,
      idleTimeoutMilliseconds: options.totalTimeoutMilliseconds,
      totalTimeoutMilliseconds: options.totalTimeoutMilliseconds,
    });
  } catch (error) {
    throw toModelError(error, false);
  }
  onAlive();
  if (response.status !== 200) throw await errorOfResponse(response, endpoint.apiKey);
  const reader = new ChunkReader(endpoint.apiKey);
  const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
  yield* isJson ? readWhole(response, reader) : readStream(response, reader, onAlive);
}

/** fetchJson asks an endpoint for a small JSON document. Throws errors of the llm table. */
export async function fetchJson(
  options: AdapterOptions,
  request: {
    url: string;
    headers: Record<string, string>;
    apiKey: string | null;
    signal: AbortSignal;
    timeoutMilliseconds?: number;
  },
): Promise<unknown> {
  const timeout = request.timeoutMilliseconds ?? 15_000;
  try {
    const response = await options.outbound.fetch(request.url, {
      purpose: 'model',
      headers: { accept: 'application/json', ...request.headers },
      signal: request.signal,
      maxResponseBytes: maxListBytes,
      connectTimeoutMilliseconds: options.connectTimeoutMilliseconds,
      headersTimeoutMilliseconds: timeout,
      idleTimeoutMilliseconds: timeout,
      totalTimeoutMilliseconds: timeout,
    });
    if (response.status !== 200) throw await errorOfResponse(response, request.apiKey);
    return JSON.parse(await response.text());
  } catch (error) {
    if (error instanceof SyntaxError)
      throw llmErrors.MODEL_BAD_RESPONSE({
        detail: 'What answers at this address is not a model endpoint.',
        cause: error,
      });
    throw toModelError(error, false);
  }
}

/** createOpenAiAdapter makes the adapter for `openai-compatible` and `mistral`. */
export function createOpenAiAdapter(options: AdapterOptions): Adapter {
  return {
    open: (call) => openCall(options, call),
    async listModels(endpoint, signal) {
      const url = `${endpoint.baseUrl}/models`;
      const answer = await fetchJson(options, { url, headers: headersOf(endpoint), apiKey: endpoint.apiKey, signal });
      const rows = (answer as { data?: unknown }).data ?? answer;
      if (!Array.isArray(rows))
        throw llmErrors.MODEL_BAD_RESPONSE({ detail: 'What answers at this address does not list models.' });
      return rows
        .map((row: { id?: unknown } | null) => row?.id)
        .filter((id): id is string => typeof id === 'string' && id !== '');
    },
  };
}
