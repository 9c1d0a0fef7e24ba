/** Conversation is the messages and the composer: what is typed is kept until the server has it, whatever fails. */
import { Button, VisuallyHidden } from '@mantine/core';
import { IconMessageOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { asProblem } from '#web/api.ts';
import { EmptyState, ErrorState, LoadingRows } from '#web/ui/index.ts';
import { pathsOf, type Agent, type Citation, type Message } from '../agents-api.ts';
import { Answer } from './answer.tsx';
import classes from './chat.module.css';
import { Composer } from './composer.tsx';
import { MessageList } from './message-list.tsx';
import { PassageDrawer } from './passage-drawer.tsx';
import { useChat } from './use-chat.ts';
import { useConversationChanges, useMessages } from './use-messages.ts';
import { Welcome } from './welcome.tsx';

interface ConversationProps {
  readonly agent: Agent;
  /** '' before the first message. */
  readonly conversationId: string;
}

export function Conversation({ agent, conversationId }: ConversationProps) {
  const list = useMessages(conversationId);
  const chat = useChat(agent.id, conversationId);
  const [citation, setCitation] = useState<Citation | null>(null);
  const { announcement, onBegun, onDone } = useAnnouncements(agent.name, conversationId);
  const running = list.messages.findLast(({ state }) => state === 'streaming')?.runId ?? undefined;
  const isMissing = list.problem !== null && (!list.data || list.problem.status === 404);
  if (isMissing) {
    return <ConversationMissing agentId={agent.id} error={list.problem} onRetry={() => void list.refetch()} />;
  }
  const renderAnswer = (message: Message, isLast: boolean) => (
    <Answer
      message={message}
      agentId={agent.id}
      agentName={agent.name}
      onRegenerate={isLast && chat.mayWrite ? chat.regenerate : null}
      isRegenerating={isLast && chat.isRegenerating}
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
            isStopping={chat.isStopping(running)}
            problem={chat.problem}
            onSend={() => chat.ask(chat.text)}
            onStop={() => running && chat.stop(running)}
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

/** useAnnouncements says to screen readers when an answer begins and how it ends, and not each word between. */
function useAnnouncements(agentName: string, conversationId: string) {
  const { refresh } = useConversationChanges();
  const [announcement, announce] = useState('');
  return {
    announcement,
    onBegun: useCallback(() => announce(`${agentName} is answering.`), [agentName]),
    onDone: useCallback(
      (outcome: string) => {
        announce(outcome);
        refresh(conversationId);
      },
      [refresh, conversationId],
    ),
  };
}

interface ConversationMissingProps {
  readonly agentId: string;
  readonly error: unknown;
  readonly onRetry: () => void;
}

function ConversationMissing({ agentId, error, onRetry }: ConversationMissingProps) {
  if (asProblem(error).status === 404) {
    return (
      <div className={classes.alone}>
        <EmptyState
          icon={IconMessageOff}
          title="There is no such conversation"
          action={
            <Button component={Link} to={pathsOf(agentId).chat()}>
              New chat
            </Button>
          }
        >
          It was deleted, perhaps in another tab, or it is somebody else’s: conversations are only for who began them.
        </EmptyState>
      </div>
    );
  }
  return (
    <div className={classes.alone}>
      <ErrorState
        error={error}
        title="The conversation could not be loaded"
        onRetry={onRetry}
        actions={
          <Button size="xs" variant="default" component={Link} to={pathsOf(agentId).chat()}>
            New chat
          </Button>
        }
      />
    </div>
  );
}
