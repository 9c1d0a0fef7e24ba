/** DeletionNotice stands in a card once its deletion was asked for: when, how to take it back, where the certificate will be. */
import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { IconClock } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { copyText } from '../../ui/copy-text.ts';
import { formatTime } from '../../ui/format.ts';
import { FormProblem } from '../../ui/states.tsx';
import classes from './data.module.css';
import type { Deletion } from './privacy-api.ts';

interface DeletionNoticeProps {
  readonly deletion: Deletion;
  /** `Your account`, `The organisation`. */
  readonly what: string;
  readonly keepLabel: string;
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly onKeep: () => void;
}

export function DeletionNotice({ deletion, what, keepLabel, isBusy, error, onKeep }: DeletionNoticeProps) {
  const path = `/deleted/${deletion.certificateId}`;
  const [isCopied, setCopied] = useState(false);
  return (
    <Alert
      color="yellow"
      className={classes.notice}
      icon={<IconClock size={20} />}
      title={`${what} will be deleted on ${formatTime(deletion.dueAt)}`}
    >
      <Stack gap="sm">
        <Text size="sm">
          Asked for on {formatTime(deletion.requestedAt)}. Until it is due everything works as before, and you can
          change your mind.
        </Text>
        <Text size="sm">
          Keep the address of{' '}
          <Anchor component={Link} to={path} inherit>
            the certificate of deletion
          </Anchor>
          : it will say what was deleted, and opens without signing in.
        </Text>
        <FormProblem error={error} />
        <Group gap="xs">
          <Button size="xs" loading={isBusy} onClick={onKeep}>
            {keepLabel}
          </Button>
          <Button
            size="xs"
            variant="default"
            onClick={() => void copyText(`${globalThis.location.origin}${path}`).then(setCopied)}
          >
            {isCopied ? 'Copied' : 'Copy the address'}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
