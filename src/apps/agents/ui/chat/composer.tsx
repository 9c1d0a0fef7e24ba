/** Composer takes the question: it grows to eight lines, keeps what is typed until the server has it, and stops answers. */
import { ActionIcon, Button, Text, Textarea } from '@mantine/core';
import { IconArrowUp, IconPlayerStopFilled } from '@tabler/icons-react';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import type { ApiProblem } from '#web/api.ts';
import classes from './chat.module.css';

interface ComposerProps {
  readonly agentName: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly isSending: boolean;
  readonly isAnswering: boolean;
  readonly isStopping: boolean;
  readonly problem: ApiProblem | null;
  readonly onSend: () => void;
  readonly onStop: () => void;
}

const maxCharacters = 32_000;
const showCountFrom = 30_000;

/** On a touch keyboard there is no Shift+Enter, so Enter makes a line there and the button sends. */
const isTouch = matchMedia('(pointer: coarse)').matches;

export function Composer(props: ComposerProps) {
  const { text, isSending, isAnswering } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // At first, and when the button that had the focus is gone: Stop, Regenerate, a suggested question.
    const isNowhere = document.activeElement === document.body || document.activeElement === null;
    if (isNowhere && !isTouch) field.current?.focus({ preventScroll: true });
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- these two are when such a button goes
  }, [isSending, isAnswering]);
  const isTooLong = text.length > maxCharacters;
  const maySend = text.trim() !== '' && !isTooLong && !isSending && !isAnswering;
  const onKeyDown = (event: KeyboardEvent) => {
    const isEnter = event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing;
    if (!isEnter || isTouch) return;
    event.preventDefault();
    if (maySend) props.onSend();
  };
  return (
    <form
      className={classes.composer}
      onSubmit={(event) => {
        event.preventDefault();
        if (maySend) props.onSend();
      }}
    >
      {props.problem ? (
        <Text size="sm" role="alert" className={classes.composerProblem}>
          {describe(props.problem)}
        </Text>
      ) : null}
      <div className={classes.composerBox}>
        <Textarea
          ref={field}
          aria-label={`Message to ${props.agentName}`}
          placeholder={`Ask ${shorten(props.agentName)}`}
          variant="unstyled"
          minRows={1}
          maxRows={8}
          enterKeyHint={isTouch ? 'enter' : 'send'}
          className={classes.composerField}
          value={isSending ? '' : text}
          readOnly={isSending}
          onChange={(event) => props.onChange(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {isAnswering ? (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerStopFilled size={14} />}
            loading={props.isStopping}
            onClick={props.onStop}
          >
            Stop
          </Button>
        ) : (
          <ActionIcon
            type="submit"
            variant="filled"
            color="tide"
            aria-label="Send"
            disabled={!maySend}
            loading={isSending}
          >
            <IconArrowUp size={18} />
          </ActionIcon>
        )}
      </div>
      {text.length > showCountFrom ? (
        <Text size="xs" c={isTooLong ? 'var(--mantine-color-error)' : 'dimmed'} role="status">
          {text.length.toLocaleString()} of {maxCharacters.toLocaleString()} characters
          {isTooLong ? '. Shorten the message, or add it to the knowledge as a document.' : ''}
        </Text>
      ) : null}
    </form>
  );
}

const shownName = 24;

/** A placeholder that wraps would make the field grow before anything is typed. */
function shorten(name: string): string {
  return name.length > shownName ? `${name.slice(0, shownName - 1).trimEnd()}…` : name;
}

function describe(problem: ApiProblem): string {
  if (problem.code === 'RUN_ALREADY_ACTIVE') {
    return 'An answer is still being written in this conversation. Your text is kept; send it when the answer is done.';
  }
  const wait = problem.retryAfterSeconds ? ` Try again in ${problem.retryAfterSeconds} s.` : '';
  return `${problem.message}${wait}`;
}
