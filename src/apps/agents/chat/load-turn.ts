/** Everything a turn needs to know, read in one transaction on behalf of the person who asked. */
import type { Tx } from '#kernel/db';
import type { ModelRef } from '#kernel/llm';
import { searchPassages, type FoundPassage } from '../knowledge/search-passages.ts';
import type { ChatTurnInput } from '../workflows/chat-turn-input.ts';
import type { Caller } from '../find-rows.ts';
import { historyLimits, type HistoryMessage, type PromptAgent } from './build-prompt.ts';

export interface LoadedTurn {
  readonly agentId: string;
  readonly agent: PromptAgent;
  readonly model: ModelRef;
  readonly temperature: number | null;
  readonly question: string;
  readonly history: readonly HistoryMessage[];
}

interface TurnRow {
  agent_id: string;
  name: string;
  description: string;
  instructions: string;
  tone: PromptAgent['tone'];
  temperature: number | null;
  connection_id: string | null;
  model: string;
  text: string;
  /** Newest first. */
  history: HistoryMessage[];
}

/**
 * Every row is asked for by its whole key: without statistics the planner would otherwise walk all of a person's
 * conversations to find one. No message longer than the whole budget can be kept, so none is carried over in full.
 */
const turnSql = `
  select a.id as agent_id, a.name, a.description, a.instructions, a.tone, a.temperature,
    answer.connection_id, answer.model, question.text,
    array(
      select json_build_object('role', m.role, 'text', left(m.text, $6 + 1)) from app_agents.messages m
      where m.tenant_id = $1 and m.owner_id = $2 and m.conversation_id = $5 and m.position < question.position
        and m.superseded_at is null and m.text <> ''
      order by m.position desc limit $7) as history
  from app_agents.messages question
  join app_agents.messages answer on answer.tenant_id = $1 and answer.id = $4
  join app_agents.conversations c on c.tenant_id = $1 and c.id = $5
  join app_agents.agents a on a.tenant_id = $1 and a.id = c.agent_id and a.deleted_at is null
  where question.tenant_id = $1 and question.owner_id = $2 and question.id = $3 and question.conversation_id = $5`;

/**
 * loadTurn reads agent, question and history; null when the conversation or the agent was deleted meanwhile. `isLast`
 * says that the transaction asks nothing else.
 */
export async function loadTurn(
  tx: Tx,
  caller: Caller,
  input: ChatTurnInput,
  { isLast = false } = {},
): Promise<LoadedTurn | null> {
  const { tenantId, userId } = caller;
  const { conversationId, messageId, answerId } = input;
  const { characters, messages } = historyLimits;
  const values = [tenantId, userId, messageId, answerId, conversationId, characters, messages];
  const statement = { name: 'agents-load-turn', text: turnSql, values };
  const [row] = isLast ? await tx.last<TurnRow>(statement) : await tx.query<TurnRow>(statement);
  if (!row) return null;
  const { agent_id: agentId, name, description, instructions, tone, temperature, text: question } = row;
  return {
    agentId,
    agent: { name, description, instructions, tone, hasKnowledge: input.hasKnowledge },
    model: { connectionId: row.connection_id, model: row.model },
    temperature,
    question,
    history: row.history.toReversed(),
  };
}

/** retrieve finds the passages that bear on the question; empty when there is no evidence. */
export async function retrieve(tx: Tx, turn: LoadedTurn): Promise<FoundPassage[]> {
  const previousQuestion = turn.history.findLast((message) => message.role === 'user')?.text;
  return searchPassages(tx, { agentId: turn.agentId, question: turn.question, previousQuestion });
}
