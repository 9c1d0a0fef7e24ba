/** ConfirmDialog asks before something that cannot be undone; it names the thing and the verb, never just "OK". */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { FormProblem } from './states.tsx';

interface ConfirmDialogProps {
  readonly isOpen: boolean;
  /** `Delete the agent "Help desk"?` */
  readonly title: string;
  /** What will be lost. */
  readonly children: ReactNode;
  /** The verb on the button: `Delete`. */
  readonly confirmLabel: string;
  /** True when the act can be taken back: the button is not red then. */
  readonly isReversible?: boolean;
  readonly isBusy?: boolean;
  readonly error?: unknown;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/**
 * ConfirmDialog stays open, with the reason, when the act fails. Cancel has the focus first. While it closes it goes on
 * saying what it said, and a failure of last time is not shown again.
 */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { isOpen, error, onClose } = props;
  const [opening, setOpening] = useState({ isOpen, failedBefore: error });
  if (opening.isOpen !== isOpen) setOpening({ isOpen, failedBefore: isOpen ? error : opening.failedBefore });
  const [last, setLast] = useState(props);
  if (isOpen && last !== props) setLast(props);
  const shown = isOpen ? props : last;
  return (
    <Modal opened={isOpen} onClose={onClose} title={shown.title} size="md">
      <Stack gap="md">
        <Text size="sm" component="div">
          {shown.children}
        </Text>
        <FormProblem error={shown.error === opening.failedBefore ? null : shown.error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button
            color={shown.isReversible ? undefined : 'red'}
            variant="filled"
            loading={shown.isBusy}
            onClick={shown.onConfirm}
          >
            {shown.confirmLabel}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
