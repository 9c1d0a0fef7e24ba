/** MessageList scrolls: newest at the end, older ones as one goes up, and the reader's place is never taken away. */
import { Button, VisuallyHidden } from '@mantine/core';
import { IconArrowDown } from '@tabler/icons-react';
import { memo, useEffect, type ReactNode } from 'react';
import { formatTime } from '#web/ui/index.ts';
import type { Message } from '../agents-api.ts';
import classes from './chat.module.css';
import { useStickToEnd } from './use-stick-to-end.ts';
import { useWhenSeen } from './use-when-seen.ts';

interface MessageListProps {
  readonly messages: readonly Message[];
  /** Renders an answer; `isLast` when nothing follows it. */
  readonly renderAnswer: (message: Message, isLast: boolean) => ReactNode;
  /** Text on its way to the server. */
  readonly sending: string | null;
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly onLoadOlder: () => void;
  /** Stands in for the messages while there are none. */
  readonly children?: ReactNode;
}

export function MessageList(props: MessageListProps) {
  const { messages, sending, hasOlder, isLoadingOlder } = props;
  const { box, content, onScroll, isAtEnd, goToEnd } = useStickToEnd(messages[0]?.id);
  useEffect(() => {
    if (sending !== null) goToEnd(); // who asks wants to see the answer
  }, [sending, goToEnd]);
  const top = useWhenSeen<HTMLDivElement>(hasOlder && !isLoadingOlder, props.onLoadOlder);
  return (
    <div className={classes.scrollPlace}>
      <div
        ref={box}
        data-scroll-box
        className={classes.scroll}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label="Conversation"
      >
        <div ref={content} className={classes.column}>
          {hasOlder ? (
            <div ref={top} className={classes.older}>
              <Button
                size="compact-sm"
                variant="subtle"
                color="gray"
                loading={isLoadingOlder}
                onClick={props.onLoadOlder}
              >
                Earlier messages
              </Button>
            </div>
          ) : null}
          {props.children}
          {messages.length > 0 || sending !== null ? (
            <ol className={classes.messages} aria-label="Messages">
              {messages.map((message, index) => (
                <li key={message.id}>
                  {message.role === 'user' ? (
                    <Question text={message.text} createdAt={message.createdAt} />
                  ) : (
                    props.renderAnswer(message, index === messages.length - 1)
                  )}
                </li>
              ))}
              {sending === null ? null : (
                <li>
                  <Question text={sending} createdAt={null} />
                </li>
              )}
            </ol>
          ) : null}
        </div>
      </div>
      {isAtEnd ? null : (
        <Button
          className={classes.toEnd}
          size="xs"
          radius="xl"
          variant="default"
          leftSection={<IconArrowDown size={15} />}
          onClick={goToEnd}
        >
          Jump to latest
        </Button>
      )}
    </div>
  );
}

interface QuestionProps {
  readonly text: string;
  /** Null while the server has not accepted it. */
  readonly createdAt: string | null;
}

const Question = memo(function Question({ text, createdAt }: QuestionProps) {
  return (
    <div className={classes.question} data-sending={createdAt === null || undefined}>
      <VisuallyHidden>You said: </VisuallyHidden>
      <div className={classes.questionText} dir="auto" title={createdAt ? formatTime(createdAt) : undefined}>
        {text}
      </div>
      {createdAt === null ? <VisuallyHidden>Sending…</VisuallyHidden> : null}
    </div>
  );
});
