/** What a page shows when there is nothing, when it waits and when something failed: always with a next step. */
import { Alert, Button, Code, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { useState, type ComponentType, type ReactNode } from 'react';
import { asProblem } from '../api-problem.ts';
import { copyText } from './copy-text.ts';
import classes from './ui.module.css';

/** IconType is any icon of @tabler/icons-react. */
export type IconType = ComponentType<{ size?: number | string; stroke?: number | string }>;

interface EmptyStateProps {
  readonly icon: IconType;
  readonly title: string;
  /** What this place is for and how to fill it: an empty page is the best moment to teach. */
  readonly children: ReactNode;
  /** The button that fills it. */
  readonly action?: ReactNode;
}

/** EmptyState stands where a list has no rows yet. */
export function EmptyState({ icon: Icon, title, children, action }: EmptyStateProps) {
  return (
    <div className={classes.emptyState}>
      <span className={classes.emptyIcon}>
        <Icon size={28} stroke={1.5} />
      </span>
      <Title order={2}>{title}</Title>
      <Text c="dimmed" size="sm" maw="32rem" component="div">
        {children}
      </Text>
      {action}
    </div>
  );
}

interface ErrorStateProps {
  readonly error: unknown;
  /** What failed, as a heading: `The agents could not be loaded`. */
  readonly title?: string;
  readonly onRetry?: () => void;
  /** More buttons, such as the way home. */
  readonly actions?: ReactNode;
}

/** ErrorState shows a failure where the content would be: the sentence, the error id to report, and a retry. */
export function ErrorState({ error, title = 'This could not be loaded', onRetry, actions }: ErrorStateProps) {
  const problem = asProblem(error);
  return (
    <Alert color="red" className={classes.alert} icon={<IconAlertTriangle size={20} />} title={title} role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{problem.message}</Text>
        <ErrorId id={problem.requestId} code={problem.code} />
        <Group gap="xs">
          {onRetry ? (
            <Button size="xs" variant="default" leftSection={<IconRefresh size={16} />} onClick={onRetry}>
              Try again
            </Button>
          ) : null}
          {actions}
        </Group>
      </Stack>
    </Alert>
  );
}

/** ErrorId shows what to quote when reporting a failure, and copies it. Shows nothing when no server answered. */
export function ErrorId({ id, code }: { readonly id: string; readonly code: string }) {
  const [isCopied, setCopied] = useState(false);
  if (!id) return null;
  const copy = () => void copyText(`${code} ${id}`).then(setCopied);
  return (
    <Group gap={6}>
      <Text size="xs">
        Error id <Code>{id}</Code>
      </Text>
      <Button size="compact-xs" variant="subtle" color="gray" onClick={copy}>
        {isCopied ? 'Copied' : 'Copy'}
      </Button>
    </Group>
  );
}

/** FormProblem shows why a form was refused, above its button; field errors stand at their fields. */
export function FormProblem({ error }: { readonly error: unknown }) {
  if (!error) return null;
  const problem = asProblem(error);
  return (
    <Alert color="red" className={classes.alert} icon={<IconAlertTriangle size={18} />} role="alert" py="xs">
      <Text size="sm">{problem.message}</Text>
      {problem.status >= 500 ? <ErrorId id={problem.requestId} code={problem.code} /> : null}
    </Alert>
  );
}

/** LoadingRows keeps the place of a list while it loads, so that nothing jumps when it arrives. */
export function LoadingRows({ rows = 3, height = 64 }: { readonly rows?: number; readonly height?: number }) {
  return (
    <Stack gap="xs" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} radius="md" />
      ))}
    </Stack>
  );
}
