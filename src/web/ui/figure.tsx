/** Figure is one number that matters, with what it counts and what to know about it; on a phone it takes two lines. */
import { Card, Text } from '@mantine/core';
import classes from './ui.module.css';

interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly note: string;
}

/** Figure goes beside others of its kind, in a grid. */
export function Figure({ label, note, value }: FigureProps) {
  return (
    <Card className={classes.figure}>
      <div className={classes.figureHead}>
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        <Text className={classes.figureValue}>{value}</Text>
      </div>
      <Text size="xs" c="dimmed">
        {note}
      </Text>
    </Card>
  );
}
