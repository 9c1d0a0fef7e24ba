/** JobProgress shows how far something is that is made in the background. */
import { Progress, Text } from '@mantine/core';

interface JobProgressProps {
  /** What is under way, for who does not see the bar: `Making the copy`. */
  readonly label: string;
  /** 0 to 100. */
  readonly percent: number;
  readonly isWaiting: boolean;
}

export function JobProgress({ label, percent, isWaiting }: JobProgressProps) {
  return (
    <>
      <Progress value={percent} size="sm" my={6} animated={!isWaiting} aria-label={label} />
      <Text size="xs" c="dimmed">
        {isWaiting ? 'It begins in a moment.' : `${percent} %`}
      </Text>
    </>
  );
}
