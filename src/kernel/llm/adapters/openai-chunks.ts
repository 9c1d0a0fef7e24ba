/** Chunks of an OpenAI-compatible stream become parts; whatever a chunk leaves out or adds, it cannot break the stream. */
import { isAppError } from '#kernel/errors';
import { llmErrors } from '../errors.ts';
import type { FinishReason, ToolCall } from '../types.ts';
import { errorOfReport, readReport } from './provider-error.ts';
import type { AdapterPart, TokenCounts } from './types.ts';

interface ToolCallDelta {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string | object };
}

interface Delta {
  readonly content?: string | readonly ContentPiece[] | null;
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly ToolCallDelta[] | null;
}

/** Mistral's reasoning models send content as pieces. */
interface ContentPiece {
  readonly type?: string;
  readonly text?: string;
  readonly thinking?: readonly { readonly text?: string }[];
}

interface WireUsage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  readonly prompt_cache_hit_tokens?: number;
}

interface Chunk {
  readonly choices?:
    | readonly { readonly delta?: Delta; readonly message?: Delta; readonly finish_reason?: string | null }[]
    | null;
  readonly usage?: WireUsage | null;
  readonly error?: unknown;
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  model_length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
};

const maxToolBytes = 1024 * 1024;

function count(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function toTokens(usage: WireUsage): TokenCounts {
  const inputTokens = count(usage.prompt_tokens);
  const cached = count(usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens);
  return {
    inputTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    outputTokens: count(usage.completion_tokens),
  };
}

const contentKey = /"content": ?"/g;

/**
 * Template is the shape of a stream's text chunks: within one answer they differ in nothing but the text. A line that
 * begins and ends like one that was parsed, with nothing between that JSON would escape, holds exactly that text, so it
 * need not be parsed again. `npm run bench` shows what it saves; other lines are parsed.
 */
interface Template {
  readonly prefix: string;
  readonly suffix: string;
}

/** learnTemplate cuts a parsed line around its text; null when it is not plain or not certain where the text stands. */
function learnTemplate(line: string, text: string): Template | null {
  const [found, another] = line.matchAll(contentKey);
  if (!found || another || text.includes('"') || text.includes('\\')) return null;
  const start = found.index + found[0].length;
  const end = start + text.length;
  if (!line.startsWith(text, start) || line.charCodeAt(end) !== 34) return null;
  return { prefix: line.slice(0, start), suffix: line.slice(end) };
}

/** matchTemplate returns the text of a line of that shape, or null. */
function matchTemplate(line: string, { prefix, suffix }: Template): string | null {
  const end = line.length - suffix.length;
  // Comparing slices is a memcmp; startsWith and endsWith go character by character and cost four times as much.
  if (end < prefix.length || line.slice(0, prefix.length) !== prefix || line.slice(end) !== suffix) return null;
  const text = line.slice(prefix.length, end);
  return text.includes('"') || text.includes('\\') ? null : text;
}

/** isPlainText tells a chunk that holds text and nothing else that matters. */
function isPlainText({ choices, usage }: Chunk): boolean {
  const [choice, another] = choices ?? [];
  if (!choice || another || usage || choice.finish_reason || typeof choice.delta?.content !== 'string') return false;
  const { reasoning, reasoning_content: thought, refusal, tool_calls: calls } = choice.delta;
  return !reasoning && !thought && !refusal && !calls;
}

/** ChunkReader keeps what spans chunks: tool calls in pieces, the finish reason, and the usage that follows it. */
export class ChunkReader {
  readonly #apiKey: string | null;
  #tools: { id: string; name: string; arguments: string }[] = [];
  #toolBytes = 0;
  #hasEmitted = false;
  #template: Template | null = null;
  finishReason: FinishReason | null = null;
  tokens: TokenCounts | null = null;
  isDone = false;

  constructor(apiKey: string | null) {
    this.#apiKey = apiKey;
  }

  /** readLine takes one line of the event stream and appends the parts it holds. Throws errors of the llm table. */
  readLine(line: string, parts: AdapterPart[]): void {
    if (this.#template) {
      const text = matchTemplate(line, this.#template);
      if (text !== null) {
        if (text !== '') this.#pushText(text, parts);
        return;
      }
    }
    if (!line.startsWith('data:')) return; // comments, event names, ids and blank lines
    const start = line.charCodeAt(5) === 32 ? 6 : 5;
    if (line.startsWith('[DONE]', start)) {
      this.isDone = true;
      return;
    }
    const json = line.slice(start);
    try {
      const chunk = JSON.parse(json) as Chunk;
      this.read(chunk, parts);
      if (isPlainText(chunk)) this.#template = learnTemplate(line, chunk.choices?.[0]?.delta?.content as string);
    } catch (cause) {
      if (isAppError(cause)) throw cause;
      // Not JSON, or JSON of a shape nobody could expect.
      if (json.trim() !== '')
        throw llmErrors.MODEL_BAD_RESPONSE({ detail: 'The model endpoint sent an event that makes no sense.', cause });
    }
  }

  /** read takes one chunk, or a whole completion from an endpoint that does not stream. */
  read(chunk: Chunk, parts: AdapterPart[]): void {
    if (typeof chunk !== 'object' || chunk === null)
      throw llmErrors.MODEL_BAD_RESPONSE({ internal: 'a chunk is not an object' });
    if (chunk.error) throw errorOfReport(0, readReport(chunk), { apiKey: this.#apiKey });
    if (chunk.usage) this.tokens = toTokens(chunk.usage);
    const choice = chunk.choices?.[0];
    if (!choice) return;
    const delta = choice.delta ?? choice.message;
    if (delta) this.#readDelta(delta, parts);
    if (choice.finish_reason) this.finishReason = finishReasons[choice.finish_reason] ?? 'other';
  }

  /** finish appends what is only known at the end: whole tool calls, usage, and the reason. */
  finish(parts: AdapterPart[]): void {
    for (const { arguments: text, id, name } of this.#tools) {
      const call: ToolCall = { id: id || `call_${name}`, name, arguments: text || '{}' };
      parts.push({ type: 'tool-call', call });
    }
    const reason = this.finishReason ?? 'other';
    if (reason === 'content-filter' && !this.#hasEmitted) throw llmErrors.MODEL_REFUSED();
    if (this.tokens) parts.push({ type: 'usage', tokens: this.tokens });
    parts.push({ type: 'finish', reason: this.#tools.length > 0 && reason === 'stop' ? 'tool-calls' : reason });
  }

  get hasToolCalls(): boolean {
    return this.#tools.length > 0;
  }

  #readDelta(delta: Delta, parts: AdapterPart[]): void {
    const { content } = delta;
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (typeof reasoning === 'string' && reasoning !== '') parts.push({ type: 'reasoning-delta', text: reasoning });
    if (typeof content === 'string') {
      if (content !== '') this.#pushText(content, parts);
    } else if (Array.isArray(content)) {
      for (const piece of content as readonly ContentPiece[]) this.#readPiece(piece, parts);
    }
    if (typeof delta.refusal === 'string' && delta.refusal !== '') this.#pushText(delta.refusal, parts);
    if (delta.tool_calls) for (const [position, call] of delta.tool_calls.entries()) this.#readToolCall(call, position);
  }

  #pushText(text: string, parts: AdapterPart[]): void {
    this.#hasEmitted = true;
    parts.push({ type: 'text-delta', text });
  }

  #readPiece(piece: ContentPiece, parts: AdapterPart[]): void {
    const thought = piece.thinking?.map(({ text }) => text ?? '').join('');
    if (thought) parts.push({ type: 'reasoning-delta', text: thought });
    else if (typeof piece.text === 'string' && piece.text !== '') this.#pushText(piece.text, parts);
  }

  /** Some endpoints leave the index out or number every call 0: a new id then begins a new call. */
  #readToolCall(delta: ToolCallDelta, position: number): void {
    const index = delta.index ?? position;
    const { arguments: given } = delta.function ?? {};
    const name = toText(delta.function?.name);
    const id = toText(delta.id);
    const text = given === undefined ? '' : typeof given === 'string' ? given : JSON.stringify(given);
    this.#toolBytes += text.length;
    if (this.#toolBytes > maxToolBytes || this.#tools.length > 128) {
      throw llmErrors.MODEL_BAD_RESPONSE({ detail: 'The model asked for more or longer tool calls than are allowed.' });
    }
    const known = this.#tools[index];
    const isSame = known && (id === '' || id === known.id);
    const call = isSame ? known : this.#tools.find((other) => id !== '' && id === other.id);
    if (call) {
      call.arguments += text;
      call.name ||= name;
    } else this.#tools.push({ id, name, arguments: text });
  }
}
