/** What a person does in a chat: ask, stop, ask for another answer. A lost answer of the server is never a second message. */
import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { useCall } from '#web/api-hooks.ts';
import type { ApiProblem } from '#web/api.ts';
import { agentsApi, runsApi, type Turn } from '../agents-api.ts';
import { useConversationChanges } from './use-messages.ts';

interface Attempt {
  readonly text: string;
  readonly clientMessageId: string;
  /** '' until the server has made the conversation. */
  conversationId: string;
}

interface Accepted {
  readonly conversationId: string;
  readonly turn: Turn;
}

/**
 * useSend sends a message, making the conversation first when `conversationId` is ''. Sending the same text again after a
 * failure continues the same attempt: same conversation, same message.
 */
export function useSend(agentId: string, conversationId: string) {
  const { accept, refresh } = useConversationChanges();
  const failed = useRef<Attempt | null>(null);
  return useMutation<Accepted, ApiProblem, string>({
    mutationFn: async (text) => {
      const isSame = failed.current?.text === text && ['', failed.current.conversationId].includes(conversationId);
      const attempt = isSame && failed.current ? failed.current : { text, conversationId, clientMessageId: newUuid() };
      failed.current = attempt;
      attempt.conversationId ||= (await agentsApi('POST /conversations', { body: { agentId } })).id;
      const turn = await agentsApi('POST /conversations/{conversationId}/messages', {
        params: { conversationId: attempt.conversationId },
        body: { text, clientMessageId: attempt.clientMessageId },
      });
      failed.current = null;
      return { conversationId: attempt.conversationId, turn };
    },
    onSuccess: (accepted) => accept(accepted.conversationId, accepted.turn),
    onError: (problem) => {
      if (problem.code === 'RUN_ALREADY_ACTIVE') refresh(conversationId); // shows the answer that is in the way
    },
  });
}

/** useRegenerate asks for another answer to the last question. */
export function useRegenerate(conversationId: string) {
  const { accept, refresh } = useConversationChanges();
  return useCall(agentsApi, 'POST /conversations/{conversationId}/regenerate', {
    onSuccess: (turn) => accept(conversationId, turn),
    onError: (problem) => {
      if (problem.code === 'RUN_ALREADY_ACTIVE') refresh(conversationId);
    },
  });
}

/** useStop ends the run that writes the answer; what it has written is kept. */
export function useStop() {
  return useCall(runsApi, 'POST /runs/{runId}/cancel');
}

/** newUuid is a random UUID also where `crypto.randomUUID` is missing: on plain-HTTP addresses other than localhost. */
function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
