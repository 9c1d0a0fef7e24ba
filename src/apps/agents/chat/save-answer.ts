/** The answer, its citations and the end of the conversation's run are saved by one statement, in the run's final transaction (K12.4). */
import type { Tx } from '#kernel/db';
import type { Citation, Message, MessageUsage } from '../contract.ts';
import type { Caller } from '../find-rows.ts';
import type { ChatTurnInput } from '../workflows/chat-turn-input.ts';

export interface FinishedAnswer {
  readonly runId: string;
  readonly state: Exclude<Message['state'], 'streaming'>;
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly usage: MessageUsage | null;
  readonly error: { readonly code: string; readonly detail: string; readonly isRetryable: boolean } | null;
}

/** SavedAnswer is the app's part of the `done` event; `messageId` is null when the conversation was deleted meanwhile. */
export type SavedAnswer = {
  readonly messageId: string | null;
  readonly conversationId: string;
  readonly title: string | null;
};

/** saveAnswer fills the answer that was streaming and frees the conversation for the next question. */
export async function saveAnswer(
  tx: Tx,
  caller: Caller,
  input: ChatTurnInput,
  answer: FinishedAnswer,
): Promise<SavedAnswer> {
  const { error, usage } = answer;
  const [row] = await tx.query<{ title: string; message_id: string | null }>({
    name: 'agents-save-answer',
    text: `with saved as (
        update app_agents.messages
        set text = $6, state = $7, citations = $8, usage = $9, error_code = $10, error_detail = $11,
          is_error_retryable = $12, finished_at = now()
        where tenant_id = $1 and owner_id = $2 and id = $4 and state = 'streaming' returning id)
      update app_agents.conversations
      set active_run_id = case when active_run_id = $5 then null else active_run_id end, updated_at = now()
      where tenant_id = $1 and owner_id = $2 and id = $3
      returning title, (select id from saved) as message_id`,
    values: [
      caller.tenantId,
      caller.userId,
      input.conversationId,
      input.answerId,
      answer.runId,
      // PostgreSQL stores no NUL; a model that sends one must not cost the whole answer.
      answer.text.replaceAll('\u0000', ''),
      answer.state,
      JSON.stringify(answer.citations),
      usage && JSON.stringify(usage),
      error?.code ?? null,
      error?.detail ?? null,
      error?.isRetryable ?? null,
    ],
  });
  return { messageId: row?.message_id ?? null, conversationId: input.conversationId, title: row?.title ?? null };
}

/** saveCandidates keeps the passages given to the model beside the unfinished answer, so that a stopped one keeps its citations. */
export async function saveCandidates(
  tx: Tx,
  caller: Caller,
  answerId: string,
  citations: readonly Citation[],
): Promise<void> {
  await tx.query({
    name: 'agents-save-candidates',
    text: `update app_agents.messages set citations = $4
      where tenant_id = $1 and owner_id = $2 and id = $3 and state = 'streaming'`,
    values: [caller.tenantId, caller.userId, answerId, JSON.stringify(citations)],
  });
}

/** loadCandidates returns what saveCandidates kept. */
export async function loadCandidates(tx: Tx, caller: Caller, answerId: string): Promise<Citation[]> {
  const [row] = await tx.query<{ citations: Citation[] }>({
    text: 'select citations from app_agents.messages where tenant_id = $1 and owner_id = $2 and id = $3',
    values: [caller.tenantId, caller.userId, answerId],
  });
  return row?.citations ?? [];
}
