/** Every model name of the scripted server names one deterministic behaviour; these are they. */

/** ScriptedMessage is a message as it arrived on the wire. */
export interface ScriptedMessage {
  readonly role: string;
  readonly content: string | null;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: string;
}

/** RecordedRequest is one call the server has seen. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly model: string;
  readonly messages: readonly ScriptedMessage[];
  readonly body: Readonly<Record<string, unknown>>;
  /** How often this model was asked before, in this server's life. */
  readonly earlierCalls: number;
}

/** Delta is one piece of an answer. */
export type Delta =
  | string
  | { readonly reasoning: string }
  | { readonly toolCalls: readonly { index: number; id?: string; name?: string; arguments?: string }[] };

/** Reply is what the server does with a request. Times are milliseconds. */
export type Reply =
  | {
      readonly kind: 'answer';
      readonly deltas: readonly Delta[];
      readonly firstMs?: number;
      readonly gapMs?: number;
      /** The last delta of a stream with gaps waits for this: an answer that is still being written however slow the machine. */
      readonly holdLast?: Promise<unknown>;
      readonly finishReason?: 'stop' | 'length' | 'tool_calls' | 'content_filter' | null;
      /** How a stream ends: properly, without `[DONE]`, with silence for ever, or with a reset connection. */
      readonly end?: 'done' | 'no-done' | 'stall' | 'die';
      readonly usage?: { readonly input: number; readonly output: number; readonly cached?: number } | null;
    }
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly message: string;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'raw';
      readonly chunks: readonly (string | Uint8Array)[];
      readonly gapMs?: number;
      readonly end?: 'end' | 'stall' | 'die';
    }
  | { readonly kind: 'never' };

export type Script = (request: RecordedRequest) => Reply;

/** lastUserText returns the newest user message, or ''. */
export function lastUserText(request: RecordedRequest): string {
  return request.messages.findLast((message) => message.role === 'user')?.content ?? '';
}

function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

function inputWords(request: RecordedRequest): number {
  return request.messages.reduce((sum, message) => sum + countWords(message.content ?? ''), 0);
}

/** splitWords keeps the spaces, so that joining gives the text back. */
export function splitWords(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? [];
}

function answer(request: RecordedRequest, text: string): Reply {
  const deltas = splitWords(text);
  return { kind: 'answer', deltas, usage: { input: inputWords(request), output: deltas.length } };
}

const wordCache: string[] = [];

/** words returns `w1 `, `w2 `, … */
function words(count: number): string[] {
  for (let n = wordCache.length + 1; n <= count; n += 1) wordCache.push(`w${n} `);
  return wordCache.slice(0, count);
}

/** `scripted:tokens=200,gap=20,first=0`: that many words, that far apart. */
function scripted(request: RecordedRequest): Reply {
  const options = Object.fromEntries(
    (request.model.split(':')[1] ?? '').split(',').map((pair) => pair.split('=') as [string, string]),
  );
  const tokens = Number(options['tokens'] ?? 20);
  return {
    kind: 'answer',
    deltas: words(tokens),
    gapMs: Number(options['gap'] ?? 0),
    firstMs: Number(options['first'] ?? 0),
    usage: { input: inputWords(request), output: tokens, cached: Number(options['cached'] ?? 0) },
  };
}

/** `cite`: one sentence per passage found in the prompt, quoting its first words and citing it as [n]. */
function cite(request: RecordedRequest): Reply {
  const prompt = request.messages.map((message) => message.content ?? '').join('\n');
  const passages = [...prompt.matchAll(/<passage number="(\d+)"[^>]*>\n([\s\S]*?)\n<\/passage>/g)];
  if (passages.length === 0) return answer(request, 'There is no passage about this.');
  const sentences = passages.map(
    ([, number, text = '']) => `“${splitWords(text).slice(0, 12).join('').trim()}” [${number}].`,
  );
  return answer(request, `The documents say: ${sentences.join(' ')}`);
}

/** `tool-call`: asks for the first tool offered, in three pieces; once it sees a result it answers from that. */
function toolCall(request: RecordedRequest): Reply {
  const result = request.messages.findLast((message) => message.role === 'tool');
  if (result) return answer(request, `The tool said: ${result.content ?? ''}`);
  const tools = request.body['tools'] as { function: { name: string } }[] | undefined;
  const name = tools?.[0]?.function.name ?? 'lookup';
  return {
    kind: 'answer',
    deltas: [
      { toolCalls: [{ index: 0, id: 'call_1', name, arguments: '' }] },
      { toolCalls: [{ index: 0, arguments: '{"query":' }] },
      { toolCalls: [{ index: 0, arguments: '"weather"}' }] },
    ],
    finishReason: 'tool_calls',
    usage: { input: inputWords(request), output: 3 },
  };
}

function status(code: number, message: string, headers?: Record<string, string>): Script {
  return () => ({ kind: 'error', status: code, message, headers });
}

const scripts: Readonly<Record<string, Script>> = {
  scripted,
  cite,
  echo: (request) => answer(request, lastUserText(request)),
  'tool-call': toolCall,
  reasoning: (request) => ({
    kind: 'answer',
    deltas: [{ reasoning: 'Let me ' }, { reasoning: 'think. ' }, ...splitWords('The answer is 42.')],
    usage: { input: inputWords(request), output: 6 },
  }),
  'no-usage': (request) => ({
    kind: 'answer',
    deltas: splitWords(lastUserText(request) || 'plain words'),
    usage: null,
  }),
  'no-done': () => ({ kind: 'answer', deltas: words(5), end: 'no-done' }),
  'stall-first': () => ({ kind: 'answer', deltas: [], end: 'stall', finishReason: null }),
  'stall-middle': () => ({ kind: 'answer', deltas: words(5), end: 'stall', finishReason: null }),
  'die-first': () => ({ kind: 'raw', chunks: [], end: 'die' }),
  'die-middle': () => ({ kind: 'answer', deltas: words(5), gapMs: 5, end: 'die', finishReason: null }),
  garbage: () => ({
    kind: 'raw',
    chunks: ['data: {"choices":[{"delta":{"content":"a"}\n\n', '\u0000\u0001 not a stream \n\n'],
  }),
  'garbage-html': () => ({ kind: 'raw', chunks: ['<!doctype html><title>Welcome to the captive portal</title>'] }),
  'long-line': () => ({
    kind: 'raw',
    chunks: [`data: {"choices":[{"delta":{"content":"${'x'.repeat(10 * 1024 * 1024)}"}}]}\n\n`],
  }),
  'slow-headers': () => ({ kind: 'never' }),
  'content-filter': () => ({ kind: 'answer', deltas: words(2), finishReason: 'content_filter' }),
  length: () => ({ kind: 'answer', deltas: words(3), finishReason: 'length' }),
  'status-400': status(400, 'Unsupported value: temperature'),
  'status-401': status(401, 'Incorrect API key provided: sk-super****cret'),
  'status-403': status(403, 'Your account may not use this model'),
  'status-404': status(404, 'The model does not exist'),
  'status-429': status(429, 'Rate limit reached', { 'retry-after': '7' }),
  'status-500': status(500, 'The server had an error'),
  'status-503': status(503, 'Overloaded'),
  'status-503-once': (request) =>
    request.earlierCalls === 0
      ? { kind: 'error', status: 503, message: 'Overloaded' }
      : answer(request, 'second time lucky'),
  'context-length': () => ({
    kind: 'error',
    status: 400,
    code: 'context_length_exceeded',
    message: "This model's maximum context length is 8192 tokens.",
  }),
};

/** scriptedModels is what the server lists under /v1/models. */
export const scriptedModels: readonly string[] = Object.keys(scripts);

/** defaultScript chooses by model name, up to the first colon. Unknown names get the provider's 404. */
export function defaultScript(request: RecordedRequest): Reply {
  const script = scripts[request.model.split(':')[0] ?? ''];
  if (script) return script(request);
  return { kind: 'error', status: 404, message: `The model ${request.model} does not exist`, code: 'model_not_found' };
}
