/** AnswerEnd stands under a finished answer: what became of it, what to do about it, and the buttons. */
import { Alert, Anchor, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconCopy, IconRefresh } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { copyText } from '#web/ui/index.ts';
import { pathsOf } from '../agents-api.ts';
import type { AnswerProps } from './answer.tsx';
import classes from './chat.module.css';

export function AnswerEnd({ message, agentId, onRegenerate, isRegenerating }: AnswerProps) {
  const isFailed = message.state === 'failed';
  return (
    <>
      {isFailed ? <Failure message={message} agentId={agentId} /> : null}
      <div className={classes.answerEnd}>
        {message.state === 'stopped' ? (
          <Text span size="sm" c="dimmed">
            Stopped{message.text === '' ? ' before the first word' : ''}
          </Text>
        ) : null}
        {message.text === '' ? null : <CopyButton text={message.text} />}
        {onRegenerate ? (
          <Button
            size="compact-sm"
            variant={isFailed ? 'default' : 'subtle'}
            color="gray"
            fw={500}
            leftSection={<IconRefresh size={15} />}
            loading={isRegenerating}
            onClick={onRegenerate}
          >
            {isFailed ? 'Try again' : 'Regenerate'}
          </Button>
        ) : null}
        {message.model?.connectionId ? (
          <Text span size="xs" c="dimmed" className={classes.answerModel}>
            {describeModel(message)}
          </Text>
        ) : null}
      </div>
    </>
  );
}

function describeModel({ model, usage }: AnswerProps['message']): string {
  if (!usage) return model?.model ?? '';
  const seconds = Math.max(0.1, usage.durationMilliseconds / 1000);
  return `${model?.model ?? ''} · ${seconds.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
}

function Failure({ message, agentId }: Pick<AnswerProps, 'message' | 'agentId'>) {
  const { error } = message;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle size={18} />}
      py="xs"
      my="xs"
      title="This answer failed"
    >
      <Group gap={6}>
        <Text size="sm">
          {error?.detail ?? 'Something went wrong.'} {message.text === '' ? '' : 'What it had written is kept.'}{' '}
          {error && !error.isRetryable ? <WayOut code={error.code} agentId={agentId} /> : null}
        </Text>
      </Group>
    </Alert>
  );
}

/** WayOut leads to where the reason can be seen to: money to the budgets, all else to the choice of the model. */
function WayOut({ code, agentId }: { readonly code: string; readonly agentId: string }) {
  const isBudget = code === 'BUDGET_EXHAUSTED';
  return (
    <Anchor component={Link} to={isBudget ? '/settings/usage' : pathsOf(agentId).settings} size="sm">
      {isBudget ? 'See the budgets' : 'Change the agent’s model'}
    </Anchor>
  );
}

function CopyButton({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    setCopied(await copyText(text));
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="gray"
      fw={500}
      leftSection={isCopied ? <IconCheck size={15} /> : <IconCopy size={15} />}
      onClick={() => void copy()}
    >
      {isCopied ? 'Copied' : 'Copy'}
    </Button>
  );
}
