/** Answer shows one answer, written or being written, with its sources; what it ends as is said, with what to do. */
import { Loader, Text } from '@mantine/core';
import { memo, useEffect, useRef } from 'react';
import { StatusBadge } from '#web/ui/index.ts';
import { SafeMarkdown } from '#web/ui/safe-markdown.tsx';
import { useRun, type FollowedRun } from '#web/use-run.ts';
import type { Citation, Message } from '../agents-api.ts';
import { AnswerEnd } from './answer-end.tsx';
import classes from './chat.module.css';
import { Sources } from './sources.tsx';

export interface AnswerProps {
  readonly message: Message;
  readonly agentId: string;
  readonly agentName: string;
  /** Only the last answer can be had anew. */
  readonly onRegenerate: (() => void) | null;
  readonly isRegenerating: boolean;
  readonly onOpenCitation: (citation: Citation) => void;
  readonly onBegun: () => void;
  readonly onDone: (outcome: string) => void;
}

/** Answer keeps its place and its parts from the first word to the saved message, so that nothing jumps at the end. */
export const Answer = memo(function Answer(props: AnswerProps) {
  const { message, agentName } = props;
  const isStreaming = message.state === 'streaming';
  const live = useRun(isStreaming ? message.runId : null, (view) => props.onDone(outcomeOf(view.state)));
  useBegun(isStreaming && live.view.text !== '', props.onBegun);
  const { onDone } = props;
  useEffect(() => {
    if (live.problem) onDone('The answer can no longer be followed.'); // what the server knows of it is shown instead
  }, [live.problem, onDone]);
  const text = isStreaming ? live.view.text : message.text;
  const citations = isStreaming ? (live.view.citations as unknown as readonly Citation[]) : message.citations;
  const open = (number: number) => {
    const citation = citations.find((candidate) => candidate.number === number);
    if (citation) props.onOpenCitation(citation);
  };
  return (
    <article className={classes.answer} aria-label={`${agentName} answered`} aria-busy={isStreaming}>
      {message.model?.connectionId === null ? (
        <div className={classes.offline}>
          <StatusBadge tone="neutral">Quoted from your documents, no language model</StatusBadge>
        </div>
      ) : null}
      <SafeMarkdown text={text} citations={citations} onOpenCitation={open} isStreaming={isStreaming && text !== ''} />
      {isStreaming ? (
        <Progress live={live} />
      ) : (
        <>
          <Sources citations={message.citations} onOpen={props.onOpenCitation} />
          <AnswerEnd {...props} />
        </>
      )}
    </article>
  );
});

/** useBegun calls back once, when the first word is there. */
function useBegun(hasBegun: boolean, onBegun: () => void): void {
  const wasTold = useRef(false);
  useEffect(() => {
    if (!hasBegun || wasTold.current) return;
    wasTold.current = true;
    onBegun();
  }, [hasBegun, onBegun]);
}

function outcomeOf(state: string): string {
  if (state === 'succeeded') return 'The answer is complete.';
  return state === 'cancelled' ? 'The answer was stopped.' : 'The answer failed.';
}

/** Progress takes the place that the buttons under the answer take later. */
function Progress({ live }: { readonly live: FollowedRun }) {
  return (
    <div className={classes.answerEnd}>
      <Loader size="xs" aria-hidden />
      <Text span size="sm" c="dimmed">
        {describe(live)}
      </Text>
    </div>
  );
}

function describe({ view, connection }: FollowedRun): string {
  if (view.done) return 'Saved';
  if (connection === 'waiting') return 'Reconnecting… the answer goes on meanwhile';
  if (view.attempt > 1 && view.text === '') return 'Going on after an interruption…';
  if (view.text !== '') return 'Writing…';
  if (view.reasoning !== '') return 'Thinking…';
  return view.steps.some((step) => step.name === 'answer') ? 'Thinking…' : 'Looking through the knowledge…';
}
