/** A question, the run that answers it and the place of the answer are written in one transaction, or not at all (K12.1). */
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import type { EventStream, SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import type { Turn } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { takeRow, type Caller } from '../find-rows.ts';
import { messageColumns, toMessage, type MessageRow } from '../tables.ts';
import { chatTurnName, type ChatTurnInput } from '../workflows/chat-turn-input.ts';
import { makeTitle } from './make-title.ts';

export interface OpenConversation {
  readonly id: string;
  readonly connection_id: string | null;
  readonly model: string;
  readonly has_knowledge: boolean;
}

/**
 * lockConversation holds the conversation's row until the end of the transaction, so that positions are given once.
 * Throws CONVERSATION_NOT_FOUND.
 */
export async function lockConversation(tx: Tx, caller: Caller, conversationId: string): Promise<OpenConversation> {
  const [row] = await tx.query<OpenConversation>({
    name: 'agents-lock-conversation',
    text: `select c.id, a.connection_id, a.model, a.document_count > 0 as has_knowledge from app_agents.conversations c
      join app_agents.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id and a.deleted_at is null
      where c.tenant_id = $1 and c.owner_id = $2 and c.id = $3 for update of c`,
    values: [caller.tenantId, caller.userId, conversationId],
  });
  if (!row) throw agentsErrors.CONVERSATION_NOT_FOUND();
  return row;
}

/** acceptRun accepts the run that will write the answer `answerId` for the caller. Throws RUN_ALREADY_ACTIVE. */
export async function acceptRun(
  tx: Tx,
  { services, principal: caller }: Pick<SignedInContext, 'services' | 'principal'>,
  input: ChatTurnInput,
): Promise<string> {
  const subject = `conversation:${input.conversationId}`;
  const about = { workflow: chatTurnName, input, exclusiveKey: subject, subject };
  const { id } = await services.runs.accept(tx, { caller, ...about });
  return id;
}

interface NewAnswer {
  readonly answerId: string;
  readonly runId: string;
  readonly questionId: string;
}

/** insertAnswer writes the empty answer that the run will fill, and marks the conversation as being answered. */
export async function insertAnswer(
  tx: Tx,
  caller: Caller,
  conversation: OpenConversation,
  answer: NewAnswer,
): Promise<MessageRow> {
  return takeRow(
    await tx.query<MessageRow>({
      name: 'agents-insert-answer',
      text: `with touched as (
        update app_agents.conversations set message_count = message_count + 1, active_run_id = $7, updated_at = now()
        where tenant_id = $2 and owner_id = $3 and id = $4 returning message_count - 1 as position)
      insert into app_agents.messages as m
        (id, tenant_id, owner_id, conversation_id, position, role, state, connection_id, model, run_id, reply_to_id)
      select $1, $2, $3, $4, touched.position, 'assistant', 'streaming', $5, $6, $7, $8 from touched
      returning ${messageColumns}`,
      values: [
        answer.answerId,
        caller.tenantId,
        caller.userId,
        conversation.id,
        conversation.connection_id,
        conversation.model,
        answer.runId,
        answer.questionId,
      ],
    }),
  );
}

export interface NewTurn extends NewAnswer {
  readonly text: string;
  readonly clientMessageId: string | undefined;
}

/**
 * insertTurn writes what the person said and the empty answer that the run will fill, in one statement; the first question
 * names the conversation.
 */
export async function insertTurn(tx: Tx, caller: Caller, conversation: OpenConversation, turn: NewTurn): Promise<Turn> {
  const rows = await tx.query<MessageRow>({
    name: 'agents-insert-turn',
    text: `with touched as (
        update app_agents.conversations
        set message_count = message_count + 2, active_run_id = $7, updated_at = now(),
          title = case when title = '' then $11 else title end
        where tenant_id = $1 and owner_id = $2 and id = $3 returning message_count - 2 as position)
      insert into app_agents.messages as m (tenant_id, owner_id, conversation_id, id, position, role, state, text,
        client_message_id, connection_id, model, run_id, reply_to_id)
      select $1, $2, $3, v.* from touched cross join lateral (values
        ($4::uuid, touched.position, 'user', 'complete', $5::text, $6::uuid, null::uuid, null::text, null::uuid, null::uuid),
        ($8::uuid, touched.position + 1, 'assistant', 'streaming', '', null, $9::uuid, $10::text, $7::uuid, $4::uuid)
      ) v
      returning ${messageColumns}`,
    values: [
      caller.tenantId,
      caller.userId,
      conversation.id,
      turn.questionId,
      turn.text,
      turn.clientMessageId ?? null,
      turn.runId,
      turn.answerId,
      conversation.connection_id,
      conversation.model,
      makeTitle(turn.text),
    ],
  });
  const [question, answer] = rows.toSorted((one, other) => one.position - other.position);
  if (!question || !answer) throw new Error('the statement gave no turn');
  return toTurn(question, answer);
}

/** findSentBefore returns the turn of a message that was sent before with the same client id: the network lost our answer, not the message. */
export async function findSentBefore(
  tx: Tx,
  caller: Caller,
  conversationId: string,
  clientMessageId: string,
): Promise<Turn | null> {
  const rows = await tx.query<MessageRow>({
    text: `with question as (
        select id from app_agents.messages
        where tenant_id = $1 and owner_id = $2 and conversation_id = $3 and client_message_id = $4)
      select ${messageColumns} from app_agents.messages m, question
      where m.tenant_id = $1 and m.owner_id = $2 and (m.id = question.id or (m.reply_to_id = question.id and m.superseded_at is null))
      order by m.position`,
    values: [caller.tenantId, caller.userId, conversationId, clientMessageId],
  });
  const question = rows.find((row) => row.role === 'user');
  const answer = rows.findLast((row) => row.role === 'assistant');
  return question && answer ? toTurn(question, answer) : null;
}

export function toTurn(question: MessageRow, answer: MessageRow): Turn {
  return { message: toMessage(question), answer: toMessage(answer), run: { id: answer.run_id ?? newId() } };
}

/** startTurn starts the accepted run and answers in the form the client asked for. */
export async function startTurn(
  ctx: {
    readonly services: Services;
    readonly principal: Caller;
    readonly acceptsEventStream: boolean;
    setHeader(name: string, value: string): void;
  },
  turn: Turn,
): Promise<Turn | EventStream> {
  const { runs } = ctx.services;
  runs.start(turn.run.id);
  ctx.setHeader('location', `/api/v1/runs/${turn.run.id}`);
  if (!ctx.acceptsEventStream) return turn;
  const { tenantId, userId } = ctx.principal;
  return runs.events({ tenantId, userId }, turn.run.id, null);
}
