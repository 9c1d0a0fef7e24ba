/** The OpenAI chat-completions wire format, chunk by chunk, as real servers write it. */
import type { Delta, Reply } from './scripts.ts';

type Answer = Extract<Reply, { kind: 'answer' }>;

const chunkHead = { id: 'chatcmpl-scripted', object: 'chat.completion.chunk', created: 1_790_000_000 };

function deltaBody(delta: Delta): Record<string, unknown> {
  if (typeof delta === 'string') return { content: delta };
  if ('reasoning' in delta) return { reasoning_content: delta.reasoning };
  return {
    tool_calls: delta.toolCalls.map(({ index, id, name, arguments: text }) => ({
      index,
      ...(id ? { id, type: 'function' } : {}),
      function: { ...(name ? { name } : {}), ...(text === undefined ? {} : { arguments: text }) },
    })),
  };
}

/** frame wraps an event as one HTTP chunk, ready for the socket. */
function frame(event: string): Buffer {
  const text = `data: ${event}\n\n`;
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

function chunk(model: string, delta: Record<string, unknown>, finishReason: string | null): string {
  return JSON.stringify({
    ...chunkHead,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  });
}

function usageBody(usage: NonNullable<Answer['usage']>): Record<string, unknown> {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
  };
}

/** WireFrames is an answer as HTTP chunks: `head` at once, then one per delta, then the tail. */
export interface WireFrames {
  readonly head: Buffer;
  readonly deltas: readonly Buffer[];
  readonly tail: Buffer;
}

const cache = new Map<string, readonly Buffer[]>();

function deltaFrames(model: string, deltas: readonly Delta[]): readonly Buffer[] {
  if (!model.startsWith('scripted')) return deltas.map((delta) => frame(chunk(model, deltaBody(delta), null)));
  let frames = cache.get(model);
  if (!frames) cache.set(model, (frames = deltas.map((delta) => frame(chunk(model, deltaBody(delta), null)))));
  return frames;
}

/** encodeStream renders an answer as frames; usage only when the caller asked for it. */
export function encodeStream(model: string, answer: Answer, isUsageWanted: boolean): WireFrames {
  const finishReason = answer.finishReason === undefined ? 'stop' : answer.finishReason;
  const tail: Buffer[] = [];
  if (finishReason !== null) tail.push(frame(chunk(model, {}, finishReason)));
  if (answer.usage && isUsageWanted) {
    tail.push(frame(JSON.stringify({ ...chunkHead, model, choices: [], usage: usageBody(answer.usage) })));
  }
  if ((answer.end ?? 'done') === 'done') tail.push(frame('[DONE]'));
  return {
    head: frame(chunk(model, { role: 'assistant', content: '' }, null)),
    deltas: deltaFrames(model, answer.deltas),
    tail: Buffer.concat(tail),
  };
}

/** encodeWhole renders an answer as one JSON body. */
export function encodeWhole(model: string, answer: Answer): Record<string, unknown> {
  const text = answer.deltas.filter((delta) => typeof delta === 'string').join('');
  return {
    ...chunkHead,
    object: 'chat.completion',
    model,
    choices: [
      { index: 0, message: { role: 'assistant', content: text }, finish_reason: answer.finishReason ?? 'stop' },
    ],
    ...(answer.usage ? { usage: usageBody(answer.usage) } : {}),
  };
}
