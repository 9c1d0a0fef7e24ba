/** CardHeader names a card of the page and holds its one button, beside the text or, on a phone, under it. */
import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './security.module.css';

interface CardHeaderProps {
  readonly title: string;
  readonly state?: ReactNode;
  readonly action?: ReactNode;
  /** What the card is for, in a sentence or two. */
  readonly children: ReactNode;
}

export function CardHeader({ title, state, action, children }: CardHeaderProps) {
  return (
    <div className={classes.header}>
      <div>
        <div className={classes.rowTitle}>
          <Title order={2}>{title}</Title>
          {state}
        </div>
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      </div>
      {action ? <div className={classes.rowAction}>{action}</div> : null}
    </div>
  );
}
