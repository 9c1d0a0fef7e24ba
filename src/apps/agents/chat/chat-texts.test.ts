/** Titles, citations and prompts: the texts around a turn, and the bounds on them. */
import { expect, test } from 'vitest';
import type { Citation } from '../contract.ts';
import { buildPrompt, capHistory, historyLimits, type PromptAgent } from './build-prompt.ts';
import { pickUsed, toCitations } from './citations.ts';
import { makeTitle } from './make-title.ts';

const agent: PromptAgent = {
  name: 'Desk',
  description: 'Helps.',
  instructions: 'Be kind.',
  tone: 'concise',
  hasKnowledge: true,
};

test('[A6] a title is the question up to 50 characters, cut at a word', () => {
  expect(makeTitle('How long does shipping take?')).toBe('How long does shipping take?');
  const long = makeTitle('Please explain to me in detail how the international shipping of oversized parcels works');
  expect(long).toBe('Please explain to me in detail how the…');
  expect(makeTitle('**Hello** [there](https://example.com) `code`')).toBe('Hello there code');
  expect(Array.from(makeTitle('😀'.repeat(80)))).toHaveLength(50);
  expect(makeTitle('```js\nlet x\n```')).toBe('```js let x ```');
});

const citations: Citation[] = [1, 2, 3].map((number) => ({
  number,
  passageId: `p${number}`,
  documentId: 'd',
  documentTitle: 'Doc',
  page: null,
  excerpt: 'x',
}));

test('[A4] only passages that the text points at are cited, and numbers never given point at nothing', () => {
  const numbers = (text: string) => pickUsed(text, citations).map((citation) => citation.number);
  expect(numbers('Five days [1], free returns [3][1].')).toEqual([1, 3]);
  expect(numbers('Both [1, 2] and nothing [9].')).toEqual([1, 2]);
  expect(numbers('`array[1]` and ```\nx[2]\n``` and [3](https://example.com)')).toEqual([]);
});

test('[A4] an excerpt is short and never ends in half a character', () => {
  const [citation] = toCitations([
    {
      id: 'p',
      documentId: 'd',
      documentTitle: 'T',
      headings: [],
      page: 2,
      text: `a${'😀'.repeat(400)}`,
      score: 1,
      matchedShare: 1,
    },
  ]);
  expect(citation!.excerpt.length).toBeLessThanOrEqual(281);
  expect(citation!.excerpt.isWellFormed()).toBe(true);
});

test('[K11.3] history is capped by number and by size, keeps the newest, and begins with the person', () => {
  const long = Array.from(
    { length: 101 },
    (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', text: `m${index}` }) as const,
  );
  const kept = capHistory(long);
  expect(kept.length).toBeLessThanOrEqual(historyLimits.messages);
  expect(kept.at(-1)!.text).toBe('m100');
  expect(kept[0]!.role).toBe('user');
  const heavy = [
    { role: 'user', text: 'x'.repeat(23_000) },
    { role: 'user', text: 'y'.repeat(2_000) },
  ] as const;
  expect(capHistory(heavy)).toEqual([heavy[1]]);
});

test('[A4] without evidence the prompt asks for candour; an agent without knowledge is not told of any', () => {
  const withEvidence = buildPrompt({ agent, passageCount: 2, history: [], question: 'Q?' });
  expect(withEvidence[0]!.content).toBe(
    'You are Desk. Helps.\n\nBe kind.\n\nBe brief: answer in as few words as the matter allows.\n\n' +
      'Answer in the language of the question. Use Markdown where it helps.',
  );
  expect(withEvidence.at(-1)).toEqual({ role: 'user', content: 'Q?' });
  expect(buildPrompt({ agent, passageCount: 0, history: [], question: 'Q?' })[0]!.content).toContain(
    'found no evidence',
  );
  const plain = buildPrompt({ agent: { ...agent, hasKnowledge: false }, passageCount: 0, history: [], question: 'Q?' });
  expect(plain[0]!.content).not.toContain('evidence');
});
