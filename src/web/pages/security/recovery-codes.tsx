/** Recovery codes, shown this once: to copy, to save as a file, to print. */
import { Alert, Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core';
import { IconCopy, IconDownload, IconPrinter } from '@tabler/icons-react';
import { useState } from 'react';
import { useSession } from '../../session.ts';
import { copyText } from '../../ui/copy-text.ts';
import classes from './security.module.css';

interface RecoveryCodesDialogProps {
  /** Null while there is nothing to show. */
  readonly codes: readonly string[] | null;
  readonly onClose: () => void;
}

/** RecoveryCodesDialog closes by its button alone: a stray click must not lose what cannot be shown again. */
export function RecoveryCodesDialog({ codes, onClose }: RecoveryCodesDialogProps) {
  return (
    <Modal
      opened={codes !== null}
      onClose={onClose}
      title="Your recovery codes"
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      {codes ? <RecoveryCodes codes={codes} onDone={onClose} /> : null}
    </Modal>
  );
}

function RecoveryCodes({ codes, onDone }: { readonly codes: readonly string[]; readonly onDone: () => void }) {
  const { user } = useSession();
  const [isKept, setKept] = useState(false);
  const [isCopied, setCopied] = useState(false);
  const heading = `Recovery codes for ${user.email} at ${globalThis.location.host}`;
  const text = `${heading}\nEach works once, instead of the second step.\n\n${codes.join('\n')}\n`;
  return (
    <Stack>
      <Text size="sm">
        When your phone or passkey is lost, one of these lets you in after the password. Each works once. They are shown
        now and never again: keep them where you would keep a spare key.
      </Text>
      <div className={classes.sheet}>
        <Text className={classes.printOnly}>{heading}. Each works once, instead of the second step.</Text>
        <ul className={classes.codes} aria-label="Recovery codes">
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
      </div>
      <Group gap="xs">
        <Button
          variant="default"
          leftSection={<IconCopy size={16} />}
          onClick={() => void copyText(text).then(setCopied)}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
        <Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => saveFile(text)}>
          Download
        </Button>
        <Button variant="default" leftSection={<IconPrinter size={16} />} onClick={printSheet}>
          Print
        </Button>
      </Group>
      <Alert color="yellow" py="xs">
        <Text size="sm">Whoever has these codes and your password can sign in as you.</Text>
      </Alert>
      <Checkbox
        label="I have kept these codes"
        checked={isKept}
        onChange={(event) => setKept(event.currentTarget.checked)}
      />
      <Group justify="flex-end">
        <Button disabled={!isKept} onClick={onDone}>
          Done
        </Button>
      </Group>
    </Stack>
  );
}

function saveFile(text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `recovery-codes-${globalThis.location.hostname}.txt`;
  link.click();
  URL.revokeObjectURL(address);
}

function printSheet(): void {
  const { dataset } = document.documentElement;
  dataset['printingCodes'] = '';
  globalThis.addEventListener('afterprint', () => delete dataset['printingCodes'], { once: true });
  globalThis.print();
}
