/** ConfirmDialog asks before something that cannot be undone; it names the thing and the verb, never just "OK". */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { FormProblem } from './states.tsx';

interface ConfirmDialogProps {
  readonly isOpen: boolean;
  /** `Delete the agent "Help desk"?` */
  readonly title: string;
  /** What will be lost. */
  readonly children: ReactNode;
  /** The verb on the button: `Delete`. */
  readonly confirmLabel: string;
  readonly isBusy?: boolean;
  readonly error?: unknown;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** ConfirmDialog stays open, with the reason, when the act fails. Cancel has the focus first. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={props.title} size="md">
      <Stack gap="md">
        <Text size="sm" component="div">
          {props.children}
        </Text>
        <FormProblem error={props.error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={props.onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" variant="filled" loading={props.isBusy} onClick={props.onConfirm}>
            {props.confirmLabel}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
