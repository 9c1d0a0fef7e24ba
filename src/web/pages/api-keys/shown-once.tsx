/** ShownOnce hands a secret over: it is on the screen this one time, with everything needed to take it along. */
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconAlertCircle, IconCheck, IconCopy } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { copyText } from '../../ui/copy-text.ts';
import classes from './api-keys.module.css';

interface ShownOnceProps {
  /** `key` or `token`, as the sentences call it. */
  readonly what: string;
  readonly secret: string;
  /** What to do with it. */
  readonly children: ReactNode;
  readonly onDone: () => void;
}

export function ShownOnce({ what, secret, children, onDone }: ShownOnceProps) {
  const [isCopied, setCopied] = useState(false);
  return (
    <Stack gap="md">
      <Alert
        color="yellow"
        className={classes.warning}
        icon={<IconAlertCircle size={20} />}
        title={`Copy the ${what} now`}
      >
        It is not shown again, not even to you. Keep it where you keep passwords; never in a page or a repository.
      </Alert>
      <div className={classes.secret}>
        <code aria-label={`The ${what}`}>{secret}</code>
        <Button
          data-autofocus
          leftSection={isCopied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          onClick={() => void copyText(secret).then(setCopied)}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
      </div>
      <Text size="sm" component="div">
        {children}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          I have kept it
        </Button>
      </Group>
    </Stack>
  );
}

interface SecretDialogProps {
  readonly isOpen: boolean;
  readonly title: string;
  readonly size?: 'md' | 'lg';
  readonly onClose: () => void;
  /** The form, then ShownOnce; it calls `onMade` as soon as the secret is there. */
  readonly children: (onMade: () => void) => ReactNode;
}

/** SecretDialog closes like any other until the secret is on the screen, then by its button alone: it cannot be shown again. */
export function SecretDialog({ isOpen, title, size = 'md', onClose, children }: SecretDialogProps) {
  const [isMade, setMade] = useState(false);
  if (!isOpen && isMade) setMade(false);
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={title}
      size={size}
      closeOnClickOutside={false}
      closeOnEscape={!isMade}
      withCloseButton={!isMade}
    >
      {children(() => setMade(true))}
    </Modal>
  );
}
