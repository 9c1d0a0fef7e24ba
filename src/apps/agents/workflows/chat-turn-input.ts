/** What the run of a chat turn is given: ids only, so that no text of a person stands in the job engine's tables. */

/** chatTurnName names the workflow; a changed one gets a new number and this one stays until its runs have ended. */
export const chatTurnName = 'agents.chat-turn.v1';

export interface ChatTurnInput {
  readonly conversationId: string;
  /** The person's message. */
  readonly messageId: string;
  /** The answer that is to be written. */
  readonly answerId: string;
  /** Whether the agent had documents when the question came; a turn without any has no retrieve step. */
  readonly hasKnowledge: boolean;
}
