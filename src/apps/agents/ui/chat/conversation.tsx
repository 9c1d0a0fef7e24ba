/** Conversation is the messages and the composer: what is typed is kept until the server has it, whatever fails. */
import { VisuallyHidden } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { usePermission } from '#web/session.ts';
import { ErrorState, LoadingRows, useDraft } from '#web/ui/index.ts';
import { pathsOf, type Agent, type Citation, type Message } from '../agents-api.ts';
import { Answer } from './answer.tsx';
import classes from './chat.module.css';
import { Composer } from './composer.tsx';
import { MessageList } from './message-list.tsx';
import { PassageDrawer } from './passage-drawer.tsx';
import { useConversationChanges, useMessages } from './use-messages.ts';
import { useRegenerate, useSend, useStop } from './use-turns.ts';
import { Welcome } from './welcome.tsx';

interface ConversationProps {
  readonly agent: Agent;
  /** '' before the first message. */
  readonly conversationId: string;
}

export function Conversation({ agent, conversationId }: ConversationProps) {
  const list = useMessages(conversationId);
  const { refresh } = useConversationChanges();
  const [citation, setCitation] = useState<Citation | null>(null);
  const [announcement, announce] = useState('');
  const chat = useChat(agent.id, conversationId);
  const regenerate = useRegenerate(conversationId);
  const { mutate: regenerateNow } = regenerate;
  const onRegenerate = useCallback(
    () => regenerateNow({ params: { conversationId } }),
    [regenerateNow, conversationId],
  );
  const onBegun = useCallback(() => announce(`${agent.name} is answering.`), [agent.name]);
  const onDone = useCallback(
    (outcome: string) => {
      announce(outcome);
      refresh(conversationId);
    },
    [refresh, conversationId],
  );
  const running = list.messages.findLast(({ state }) => state === 'streaming');
  const stop = useStop();
  const renderAnswer = (message: Message, isLast: boolean) => (
    <Answer
      message={message}
      agentId={agent.id}
      agentName={agent.name}
      onRegenerate={isLast && chat.mayWrite ? onRegenerate : null}
      isRegenerating={isLast && regenerate.isPending}
      onOpenCitation={setCitation}
      onBegun={onBegun}
      onDone={onDone}
    />
  );
  return (
    <>
      <MessageList
        key={conversationId}
        messages={list.messages}
        renderAnswer={renderAnswer}
        sending={chat.sending}
        hasOlder={list.hasNextPage}
        isLoadingOlder={list.isFetchingNextPage}
        onLoadOlder={() => void list.fetchNextPage()}
      >
        {conversationId !== '' && list.isPending ? <LoadingRows rows={3} height={72} /> : null}
        {list.error && !list.data ? (
          <ErrorState
            error={list.error}
            title="The conversation could not be loaded"
            onRetry={() => void list.refetch()}
          />
        ) : null}
        {conversationId === '' && chat.sending === null ? (
          <Welcome agent={agent} isBusy={!chat.mayWrite} onAsk={chat.ask} />
        ) : null}
      </MessageList>
      {chat.mayWrite ? (
        <div className={classes.composerPlace}>
          <Composer
            agentName={agent.name}
            text={chat.text}
            onChange={chat.setText}
            isSending={chat.sending !== null}
            isAnswering={running !== undefined}
            isStopping={stop.isPending || (stop.isSuccess && stop.variables.params.runId === running?.runId)}
            problem={chat.problem ?? regenerate.error ?? stop.error}
            onSend={() => chat.ask(chat.text)}
            onStop={() => running?.runId && stop.mutate({ params: { runId: running.runId } })}
          />
        </div>
      ) : null}
      <PassageDrawer citation={citation} onClose={() => setCitation(null)} />
      <VisuallyHidden role="status" aria-live="polite">
        {announcement}
      </VisuallyHidden>
    </>
  );
}

/** useChat ties the draft to sending: it is dropped once the server has the message, and is back at once if it has not. */
function useChat(agentId: string, conversationId: string) {
  const [text, setText] = useDraft(`agents.chat.${conversationId || `new.${agentId}`}`);
  const navigate = useNavigate();
  const mayWrite = usePermission('agents.conversation.write');
  const send = useSend(agentId, conversationId);
  const ask = (question: string) => {
    setText(question);
    send.mutate(question.trim(), {
      onSuccess: (accepted) => {
        setText('');
        const to = pathsOf(agentId).chat(accepted.conversationId);
        if (conversationId === '') void navigate({ to, replace: true });
      },
    });
  };
  return {
    text,
    setText: (next: string) => {
      if (send.error) send.reset(); // the reason has been read
      setText(next);
    },
    ask,
    mayWrite,
    sending: send.isPending ? send.variables : null,
    problem: send.error,
  };
}
