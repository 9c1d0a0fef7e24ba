/** A conversation always fits the model's window, and what is left out follows one stated policy (K11.3). */
import { llmErrors } from './errors.ts';
import type { ChatMessage, ConnectionKind, Passage, ToolDefinition } from './types.ts';
import { renderPrompt } from './render-passages.ts';

/** Tokens a model of each kind takes in all, unless the connection states it. Small local models are the reason for 32k. */
export const defaultContextWindowTokens: Readonly<Record<ConnectionKind, number>> = {
  'openai-compatible': 32_768,
  anthropic: 200_000,
  google: 1_000_000,
  mistral: 131_072,
};

const tokensPerMessage = 4;

/** estimateTokens counts a token per four UTF-8 bytes: four letters of English, about one and a third of Chinese. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

function estimateMessage({ content, toolCalls }: ChatMessage): number {
  const calls = toolCalls?.reduce((sum, call) => sum + estimateTokens(call.name + call.arguments), 0) ?? 0;
  return tokensPerMessage + estimateTokens(content) + calls;
}

/** estimateMessages counts a whole prompt. */
export function estimateMessages(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + estimateMessage(message), 0);
}

/** estimatePrompt counts a whole prompt with the tools it describes. */
export function estimatePrompt(messages: readonly ChatMessage[], tools: readonly ToolDefinition[]): number {
  return estimateMessages(messages) + (tools.length > 0 ? estimateTokens(JSON.stringify(tools)) : 0);
}

export interface Window {
  readonly contextWindowTokens: number;
  /** Kept free for the answer; a quarter of the window, at most 4,096, when absent. */
  readonly maxOutputTokens?: number;
  readonly tools?: readonly ToolDefinition[];
}

/** answerTokens is what is kept free for the answer, and the most a call under a budget may write. */
export function answerTokens({ contextWindowTokens, maxOutputTokens }: Window): number {
  return maxOutputTokens ?? Math.min(4_096, Math.floor(contextWindowTokens / 4));
}

/** worstTokens is the most a prompt is likely to be counted as: a token per three bytes. */
export function worstTokens(messages: readonly ChatMessage[], tools: readonly ToolDefinition[]): number {
  return Math.ceil((estimatePrompt(messages, tools) * 4) / 3);
}

function budgetOf(window: Window): number {
  const { contextWindowTokens, tools = [] } = window;
  return contextWindowTokens - answerTokens(window) - (tools.length > 0 ? estimateTokens(JSON.stringify(tools)) : 0);
}

/** splitTurns groups history so that a turn, a question with everything that answered it, is kept or dropped whole. */
function splitTurns(messages: readonly ChatMessage[]): ChatMessage[][] {
  const turns: ChatMessage[][] = [];
  for (const message of messages) {
    if (message.role === 'user' || turns.length === 0) turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns;
}

/**
 * fitToContext returns the messages that fit. Kept always: system messages, and the last user message with everything
 * after it (tool calls in progress). Earlier turns are dropped whole, oldest first, without gaps.
 * Throws MODEL_CONTEXT_EXCEEDED when what must be kept is already too long.
 */
export function fitToContext(messages: readonly ChatMessage[], window: Window): ChatMessage[] {
  const budget = budgetOf(window);
  const system = messages.filter(({ role }) => role === 'system');
  const turns = splitTurns(messages.filter(({ role }) => role !== 'system'));
  const kept = turns.pop() ?? [];
  let used = estimateMessages(system) + estimateMessages(kept);
  if (used > budget) {
    throw llmErrors.MODEL_CONTEXT_EXCEEDED({
      detail: `This needs about ${used} tokens, and ${Math.max(budget, 0)} of the model's ${window.contextWindowTokens} are free for it.`,
    });
  }
  for (let turn = turns.pop(); turn; turn = turns.pop()) {
    used += estimateMessages(turn);
    if (used > budget) break;
    kept.unshift(...turn);
  }
  return [...system, ...kept];
}

/** preparePrompt renders passages and tool outputs and fits the result; the worst passages go before the question fails. */
export function preparePrompt(
  messages: readonly ChatMessage[],
  passages: readonly Passage[],
  window: Window,
): ChatMessage[] {
  for (let count = passages.length; ; count -= 1) {
    try {
      return fitToContext(renderPrompt(messages, passages.slice(0, count)), window);
    } catch (error) {
      if (count === 0) throw error;
    }
  }
}
