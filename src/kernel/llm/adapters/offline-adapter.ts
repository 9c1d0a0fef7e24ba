/** With no model at all the answer is quoted knowledge that says so, and never pretends to be a language model (K11.2). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Passage } from '../types.ts';
import type { Adapter, AdapterCall, AdapterPart } from './types.ts';

const maxQuotes = 3;
const maxQuoteCharacters = 600;
const wordsPerPiece = 3;

export const offlineModel = 'offline';

const introduction =
  '**Offline answer.** No language model is connected, so nothing here was written by one. ' +
  'These are the passages of the knowledge that fit your question best:';
const noEvidence =
  '**Offline answer.** No language model is connected, and I found no evidence about this in the knowledge I was given. ' +
  'Add documents that cover it, or connect a model to this agent.';

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []);
}

function countShared(words: ReadonlySet<string>, text: string): number {
  let shared = 0;
  for (const word of wordsOf(text)) if (words.has(word)) shared += 1;
  return shared;
}

function splitSentences(text: string): string[] {
  return text.match(/[^.!?\n]+(?:[.!?]+|\n+|$)\s*/g) ?? [text];
}

/** chooseExcerpt returns the run of sentences, at most 600 characters, that shares most words with the question. */
function chooseExcerpt(text: string, question: ReadonlySet<string>): string {
  if (text.length <= maxQuoteCharacters) return text.trim();
  const sentences = splitSentences(text);
  const scores = sentences.map((sentence) => countShared(question, sentence));
  let best = { from: 0, to: 0, score: -1 };
  for (let from = 0; from < sentences.length; from += 1) {
    let length = 0;
    let score = 0;
    for (let to = from; to < sentences.length && length + (sentences[to]?.length ?? 0) <= maxQuoteCharacters; to += 1) {
      length += sentences[to]?.length ?? 0;
      score += scores[to] ?? 0;
      if (score > best.score) best = { from, to, score };
    }
  }
  const excerpt = sentences
    .slice(best.from, best.to + 1)
    .join('')
    .trim()
    .slice(0, maxQuoteCharacters);
  return `${best.from > 0 ? '… ' : ''}${excerpt}${best.to < sentences.length - 1 ? ' …' : ''}`;
}

function quote(passage: Passage, question: ReadonlySet<string>): string {
  const lines = chooseExcerpt(passage.text, question)
    .split('\n')
    .map((line) => `> ${line}`.trimEnd());
  return `${lines.join('\n')} [${passage.number}]\n>\n> — ${passage.title.replaceAll(/\s+/g, ' ')}`;
}

/** composeOfflineAnswer writes the answer as Markdown: blockquotes, each with its citation as [n]. */
export function composeOfflineAnswer(question: string, passages: readonly Passage[]): string {
  const words = wordsOf(question);
  const ranked = passages
    .map((passage, rank) => ({ passage, rank, shared: countShared(words, passage.text) }))
    .sort((a, b) => b.shared - a.shared || a.rank - b.rank)
    .slice(0, maxQuotes);
  if (ranked.length === 0) return noEvidence;
  return [introduction, ...ranked.map(({ passage }) => quote(passage, words))].join('\n\n');
}

async function* openOffline(call: AdapterCall): AsyncGenerator<readonly AdapterPart[]> {
  const question = call.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const words = composeOfflineAnswer(question, call.passages).match(/\S+\s*/g) ?? [];
  for (let from = 0; from < words.length; from += wordsPerPiece) {
    call.signal.throwIfAborted();
    yield [{ type: 'text-delta', text: words.slice(from, from + wordsPerPiece).join('') }];
    await nextTurn(); // let other streams speak, and Stop be heard
  }
  // It reads and writes no tokens, and costs nothing.
  yield [
    { type: 'usage', tokens: { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 } },
    { type: 'finish', reason: 'stop' },
  ];
}

/** createOfflineAdapter makes the built-in model. */
export function createOfflineAdapter(): Adapter {
  return { open: openOffline, listModels: () => Promise.resolve([offlineModel]) };
}
