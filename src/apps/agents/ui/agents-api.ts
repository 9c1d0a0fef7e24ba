/** The agents API for its pages: calls and answers typed by the contract, and the addresses of the pages. */
import { queryOf } from '#web/api-hooks.ts';
import { createApi, type CallInput, type CallOutput, type ItemOf } from '#web/api.ts';
import type { runsContract } from '../../../kernel/runs/contract.ts';
import type { agentsContract } from '../contract.ts';

export const agentsApi = createApi<typeof agentsContract>();
export const runsApi = createApi<typeof runsContract>();

type Operations = typeof agentsContract;

export type Agent = CallOutput<Operations['GET /agents/{agentId}']>;
export type AgentSummary = ItemOf<Operations['GET /agents']>;
export type AgentChange = CallInput<Operations['PATCH /agents/{agentId}']>['body'];
export type Document = ItemOf<Operations['GET /agents/{agentId}/documents']>;
export type Conversation = CallOutput<Operations['GET /conversations/{conversationId}']>;
export type Message = ItemOf<Operations['GET /conversations/{conversationId}/messages']>;
export type Citation = Message['citations'][number];
export type Turn = CallOutput<Operations['POST /conversations/{conversationId}/messages']>;

/** agentQuery reads one agent; the tabs of its pages share the answer. */
export function agentQuery(agentId: string) {
  return queryOf(agentsApi, 'GET /agents/{agentId}', { params: { agentId } });
}

/** pathsOf are the addresses of an agent's pages. */
export function pathsOf(agentId: string) {
  const root = `/agents/${agentId}`;
  return {
    settings: root,
    knowledge: `${root}/knowledge`,
    chat: (conversationId?: string) => (conversationId ? `${root}/chat/${conversationId}` : `${root}/chat`),
  };
}

/** count writes `1 document`, `3 documents`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString()} ${noun}${number === 1 ? '' : 's'}`;
}
