/** The prompt of a turn: who the agent is, what it knows, what was said; bounded in size whatever the conversation's length. */
import type { ChatMessage } from '#kernel/llm';
import type { Agent } from '../contract.ts';

/** PromptAgent is what of an agent goes into its prompt. */
export interface PromptAgent {
  readonly name: string;
  readonly description: string;
  readonly instructions: string;
  readonly tone: Agent['tone'];
  readonly hasKnowledge: boolean;
}

export interface HistoryMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

/**
 * The policy of history (K11.3): the newest 20 messages that fit into 24,000 characters, whole messages only; the
 * question itself always goes. So the cost of a turn does not grow with the length of the conversation.
 */
export const historyLimits = { messages: 20, characters: 24_000 } as const;

const toneSentences: Readonly<Record<NonNullable<Agent['tone']>, string>> = {
  neutral: 'Write in a neutral, matter-of-fact tone.',
  friendly: 'Write in a warm and friendly tone.',
  formal: 'Write in a formal and courteous tone.',
  concise: 'Be brief: answer in as few words as the matter allows.',
  playful: 'Write in a light and playful tone.',
};

const withoutEvidence =
  'Your knowledge base was searched and holds nothing about this question. If it asks for facts of that kind, say that you ' +
  'found no evidence for an answer; do not invent one and do not cite anything. Small talk needs no evidence.';

/** capHistory keeps the newest messages within the limits, in order of time, beginning with a person's. */
export function capHistory(history: readonly HistoryMessage[]): HistoryMessage[] {
  const kept: HistoryMessage[] = [];
  let characters = 0;
  for (const message of history.toReversed()) {
    characters += message.text.length;
    if (kept.length >= historyLimits.messages || characters > historyLimits.characters) break;
    kept.unshift(message);
  }
  while (kept[0]?.role === 'assistant') kept.shift();
  return kept;
}

/** buildInstructions is the system text. Passages are not part of it: the gateway shows them, with the rules of citing, as untrusted. */
export function buildInstructions(agent: PromptAgent, passageCount: number): string {
  const parts = [`You are ${agent.name}.${agent.description === '' ? '' : ` ${agent.description}`}`];
  if (agent.instructions.trim() !== '') parts.push(agent.instructions.trim());
  if (agent.tone !== null) parts.push(toneSentences[agent.tone]);
  parts.push('Answer in the language of the question. Use Markdown where it helps.');
  if (agent.hasKnowledge && passageCount === 0) parts.push(withoutEvidence);
  return parts.join('\n\n');
}

export interface PromptInput {
  readonly agent: PromptAgent;
  /** How many passages go with the request; 0 means that there is no evidence. */
  readonly passageCount: number;
  readonly history: readonly HistoryMessage[];
  readonly question: string;
}

/** buildPrompt returns the messages for the model: instructions, capped history, question. */
export function buildPrompt({ agent, passageCount, history, question }: PromptInput): ChatMessage[] {
  return [
    { role: 'system', content: buildInstructions(agent, passageCount) },
    ...capHistory(history).map(({ role, text }): ChatMessage => ({ role, content: text })),
    { role: 'user', content: question },
  ];
}
