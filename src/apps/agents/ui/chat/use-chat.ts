/** useChat is what a person does in a conversation, with the text being typed and the reason when something was refused. */
import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { usePermission } from '#web/session.ts';
import { useDraft } from '#web/ui/index.ts';
import { pathsOf } from '../agents-api.ts';
import { useRegenerate, useSend, useStop } from './use-turns.ts';

/**
 * useChat ties the draft to sending: it is dropped once the server has the message, and is back at once if it has not.
 * `conversationId` is '' before the first message.
 */
export function useChat(agentId: string, conversationId: string) {
  const [text, setText] = useDraft(`agents.chat.${conversationId || `new.${agentId}`}`);
  const navigate = useNavigate();
  const send = useSend(agentId, conversationId);
  const regenerate = useRegenerate(conversationId);
  const stop = useStop();
  const acts = [send, regenerate, stop];

  const forgetProblems = () => {
    for (const act of acts) if (act.error) act.reset();
  };
  const ask = (question: string) => {
    forgetProblems();
    const isAside = text.trim() !== '' && text !== question; // a suggested question, while another is being typed
    if (!isAside) setText(question);
    send.mutate(question.trim(), {
      onSuccess: (accepted) => {
        if (!isAside) setText('');
        const to = pathsOf(agentId).chat(accepted.conversationId);
        if (conversationId === '') void navigate({ to, replace: true });
      },
    });
  };
  const { mutate: regenerateNow } = regenerate;

  return {
    mayWrite: usePermission('agents.conversation.write'),
    text,
    setText: (next: string) => {
      forgetProblems(); // they have been read
      setText(next);
    },
    ask,
    regenerate: useCallback(() => regenerateNow({ params: { conversationId } }), [regenerateNow, conversationId]),
    stop: (runId: string) => stop.mutate({ params: { runId } }),
    /** The text on its way to the server. */
    sending: send.isPending ? send.variables : null,
    isRegenerating: regenerate.isPending,
    isStopping: (runId: string | undefined) =>
      stop.isPending || (stop.isSuccess && stop.variables.params.runId === runId),
    problem: acts.find((act) => act.error)?.error ?? null,
  };
}
