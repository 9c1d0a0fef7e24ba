/** Proves that Anthropic and Google speak the gateway's vocabulary, on their recorded wire formats over real HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { isAppError, type AppError } from '#kernel/errors';
import { createLogger } from '#kernel/log';
import { createOutboundClient } from '#kernel/outbound';
import type { ChatMessage } from '../types.ts';
import { createAiSdkAdapter } from './ai-sdk-adapter.ts';
import type { AdapterPart } from './types.ts';

const apiKey = 'sk-ant-canary-0123456789';

function sse(events: readonly Record<string, unknown>[], isNamed: boolean): string {
  return events
    .map((event) => `${isNamed ? `event: ${String(event['type'])}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
    .join('');
}

const usage = { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 4, output_tokens: 1 };
const anthropicStart = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [],
    model: 'claude-x',
    stop_reason: null,
    stop_sequence: null,
    usage,
  },
};
const anthropicText = [
  anthropicStart,
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'there.' } },
];
const anthropicEnd = [
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 6 } },
  { type: 'message_stop' },
];
const anthropicTool = [
  anthropicStart,
  {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'find', input: {} },
  },
  { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"q":' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '"x"}' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
];
const googleText = [
  {
    candidates: [{ content: { parts: [{ text: 'Hello ' }], role: 'model' }, index: 0 }],
    usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
  },
  {
    candidates: [{ content: { parts: [{ text: 'there.' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 3, totalTokenCount: 11 },
  },
];

interface Seen {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

async function serve(
  reply: (seen: Seen) => { status?: number; text: string; isCut?: boolean; headers?: Record<string, string> },
) {
  const seen: Seen[] = [];
  async function listen(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of req) body += String(piece);
    const call = { path: req.url ?? '', headers: req.headers, body };
    seen.push(call);
    const { headers, isCut, status = 200, text } = reply(call);
    res.writeHead(status, { 'content-type': status === 200 ? 'text/event-stream' : 'application/json', ...headers });
    res.write(text);
    if (isCut) setTimeout(() => res.socket?.resetAndDestroy(), 20);
    else res.end();
  }
  const server = createServer((req, res) => void listen(req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const log = createLogger({ level: 'silent' });
  const outbound = createOutboundClient({
    config: { modelPrivateNetworks: ['127.0.0.0/8'], outboundPrivateNetworks: [] },
    log,
  });
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    adapter: createAiSdkAdapter({ outbound, connectTimeoutMilliseconds: 1_000, totalTimeoutMilliseconds: 10_000 }),
    async [Symbol.asyncDispose]() {
      await outbound.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

type Served = Awaited<ReturnType<typeof serve>>;
const question: ChatMessage[] = [
  { role: 'system', content: 'be kind' },
  { role: 'user', content: 'hi' },
];

async function ask({ adapter, url }: Served, kind: 'anthropic' | 'google', messages = question) {
  const parts: AdapterPart[] = [];
  let error: AppError | null = null;
  const tools = [
    { name: 'find', description: 'finds', parameters: { type: 'object', properties: { q: { type: 'string' } } } },
  ];
  const call = {
    endpoint: { kind, baseUrl: url, apiKey },
    model: 'model-x',
    messages,
    passages: [],
    tools,
    temperature: 0.5,
    maxOutputTokens: 64,
    signal: new AbortController().signal,
    onAlive: () => undefined,
  };
  try {
    for await (const batch of adapter.open(call)) parts.push(...batch);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    error = thrown;
  }
  return { parts, error, text: parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('') };
}

test('[K11.1] Anthropic: text, usage with cached tokens, and the finish reason', async () => {
  await using server = await serve(() => ({ text: sse([...anthropicText, ...anthropicEnd], true) }));
  const { error, parts, text } = await ask(server, 'anthropic');
  expect(error).toBeNull();
  expect(text).toBe('Hello there.');
  expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop' });
  expect(parts.at(-2)).toEqual({ type: 'usage', tokens: { inputTokens: 16, cachedInputTokens: 4, outputTokens: 6 } });
  expect(server.seen[0]?.headers['x-api-key']).toBe(apiKey);
  expect(JSON.parse(server.seen[0]?.body ?? '')).toMatchObject({ model: 'model-x', max_tokens: 64, stream: true });
});

test('[K11.1] Anthropic: a tool call arrives whole, and its result goes back in the shape the provider wants', async () => {
  await using server = await serve(() => ({ text: sse(anthropicTool, true) }));
  const { parts } = await ask(server, 'anthropic');
  expect(parts).toContainEqual({ type: 'tool-call', call: { id: 'toolu_1', name: 'find', arguments: '{"q":"x"}' } });
  expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'tool-calls' });
  await ask(server, 'anthropic', [
    ...question,
    { role: 'assistant', content: '', toolCalls: [{ id: 'toolu_1', name: 'find', arguments: '{"q":"x"}' }] },
    { role: 'tool', content: 'found', toolCallId: 'toolu_1' },
  ]);
  const { messages } = JSON.parse(server.seen[1]?.body ?? '') as {
    messages: { role: string; content: { type: string }[] }[];
  };
  expect(messages.map(({ content, role }) => [role, content[0]?.type])).toEqual([
    ['user', 'text'],
    ['assistant', 'tool_use'],
    ['user', 'tool_result'],
  ]);
});

test('[K11.1] Google: text and usage', async () => {
  await using server = await serve(() => ({ text: sse(googleText, false) }));
  const { error, parts, text } = await ask(server, 'google');
  expect(error).toBeNull();
  expect(text).toBe('Hello there.');
  expect(parts.at(-2)).toEqual({ type: 'usage', tokens: { inputTokens: 8, cachedInputTokens: 0, outputTokens: 3 } });
  expect(server.seen[0]?.path).toContain('model-x:streamGenerateContent');
  expect(server.seen[0]?.headers['x-goog-api-key']).toBe(apiKey);
  expect(server.seen[0]?.path).not.toContain(apiKey);
});

test.each(['anthropic', 'google'] as const)(
  '[K6.2] %s: refusals map as everywhere, and repeat no key',
  async (kind) => {
    const cases = [
      [401, 'MODEL_BAD_KEY'],
      [404, 'MODEL_NOT_FOUND'],
      [429, 'MODEL_RATE_LIMITED'],
      [529, 'MODEL_OVERLOADED'],
      [400, 'MODEL_BAD_REQUEST'],
    ] as const;
    for (const [status, code] of cases) {
      const text = JSON.stringify({ error: { type: 'x', message: `about ${apiKey}` } });
      await using server = await serve(() => ({ status, text, headers: { 'retry-after': '3' } }));
      const { error } = await ask(server, kind);
      expect(error?.code).toBe(code);
      expect(JSON.stringify([error?.message, error?.options])).not.toContain(apiKey);
      if (status === 429) expect(error?.options.retryAfterSeconds).toBe(3);
      expect(server.seen).toHaveLength(1); // the packages do not retry behind our back
    }
  },
);

test('[K6.2] an answer that breaks off or is no stream at all says so, and what was said stands', async () => {
  await using cut = await serve(() => ({ text: sse(anthropicText, true), isCut: true }));
  const broken = await ask(cut, 'anthropic');
  expect(broken.text).toBe('Hello there.');
  expect(broken.error?.code).toBe('MODEL_INTERRUPTED');
  await using ended = await serve(() => ({ text: sse(anthropicText, true) }));
  expect((await ask(ended, 'anthropic')).error?.code).toBe('MODEL_INTERRUPTED');
  await using nonsense = await serve(() => ({ text: '<!doctype html>hello' }));
  expect((await ask(nonsense, 'anthropic')).error?.code).toBe('MODEL_BAD_RESPONSE');
  const overloaded = sse(
    [anthropicStart, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
    true,
  );
  await using failing = await serve(() => ({ text: overloaded }));
  expect((await ask(failing, 'anthropic')).error?.code).toBe('MODEL_OVERLOADED');
});

test('[K11.1] models are listed as each provider lists them', async () => {
  await using anthropic = await serve(() => ({
    text: JSON.stringify({ data: [{ id: 'claude-a' }, { id: 'claude-b' }] }),
  }));
  const signal = AbortSignal.timeout(5_000);
  expect(await anthropic.adapter.listModels({ kind: 'anthropic', baseUrl: anthropic.url, apiKey }, signal)).toEqual([
    'claude-a',
    'claude-b',
  ]);
  const models = [
    { name: 'models/gemini-a', supportedGenerationMethods: ['generateContent'] },
    { name: 'models/embed', supportedGenerationMethods: ['embedContent'] },
  ];
  await using google = await serve(() => ({ text: JSON.stringify({ models }) }));
  expect(await google.adapter.listModels({ kind: 'google', baseUrl: google.url, apiKey }, signal)).toEqual([
    'gemini-a',
  ]);
});

test('[K4.5] Anthropic’s cached input, read and written, and Google’s are parts of the input, each counted once', async () => {
  const cached = { ...usage, cache_creation_input_tokens: 100, cache_read_input_tokens: 30 };
  const start = { ...anthropicStart, message: { ...anthropicStart.message, usage: cached } };
  await using anthropic = await serve(() => ({
    text: sse([start, ...anthropicText.slice(1), ...anthropicEnd], true),
  }));
  expect((await ask(anthropic, 'anthropic')).parts).toContainEqual({
    type: 'usage',
    tokens: { inputTokens: 142, cachedInputTokens: 30, cacheWriteInputTokens: 100, outputTokens: 6 },
  });
  const figures = { promptTokenCount: 80, cachedContentTokenCount: 50, candidatesTokenCount: 3, thoughtsTokenCount: 7 };
  await using google = await serve(() => ({
    text: sse([googleText[0]!, { ...googleText[1], usageMetadata: { ...figures, totalTokenCount: 90 } }], false),
  }));
  expect((await ask(google, 'google')).parts).toContainEqual({
    type: 'usage',
    tokens: { inputTokens: 80, cachedInputTokens: 50, outputTokens: 10 },
  });
});
