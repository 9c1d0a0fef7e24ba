/** Setting up an authenticator app: scan or type the secret, then show by a first code that it works. */
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { QRCodeSVG } from 'qrcode.react';
import { useState, type FormEvent } from 'react';
import { useCall } from '../../api-hooks.ts';
import { copyText } from '../../ui/copy-text.ts';
import { FormProblem } from '../../ui/states.tsx';
import { factorsApi } from './security-api.ts';
import classes from './security.module.css';

/** TotpSecret is what the app must know. */
export interface TotpSecret {
  readonly secret: string;
  readonly uri: string;
}

interface TotpDialogProps {
  readonly given: TotpSecret | null;
  readonly onClose: () => void;
  readonly onConfirmed: (recoveryCodes: readonly string[] | null) => void;
}

export function TotpDialog({ given, onClose, onConfirmed }: TotpDialogProps) {
  return (
    <Modal opened={given !== null} onClose={onClose} title="Set up an authenticator app" closeOnClickOutside={false}>
      {given ? <TotpForm given={given} onConfirmed={onConfirmed} /> : null}
    </Modal>
  );
}

function TotpForm({ given, onConfirmed }: { readonly given: TotpSecret } & Pick<TotpDialogProps, 'onConfirmed'>) {
  const [code, setCode] = useState('');
  const [isCopied, setCopied] = useState(false);
  const confirm = useCall(factorsApi, 'POST /second-factors/totp/confirm', {
    onSuccess: ({ recoveryCodes }) => onConfirmed(recoveryCodes),
    onError: () => setCode(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate({ body: { code } });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">
          1. Scan this with an app such as Aegis, 2FAS, Google Authenticator or your password manager.
        </Text>
        <div className={classes.qr}>
          <QRCodeSVG
            value={given.uri}
            size={208}
            marginSize={2}
            level="L"
            bgColor="#ffffff"
            fgColor="#000000"
            title="QR code for the authenticator app"
          />
        </div>
        <div>
          <Text size="sm">Cannot scan? Type this key into the app, as time-based:</Text>
          <Group gap="xs" justify="space-between" wrap="nowrap">
            <code className={classes.secret}>{given.secret.replaceAll(/.{4}(?=.)/g, '$& ')}</code>
            <Button
              flex="none"
              size="compact-sm"
              variant="subtle"
              leftSection={<IconCopy size={14} />}
              onClick={() => void copyText(given.secret).then(setCopied)}
            >
              {isCopied ? 'Copied' : 'Copy'}
            </Button>
          </Group>
        </div>
        <TextInput
          label="2. Enter the code that the app shows now"
          autoComplete="one-time-code"
          inputMode="numeric"
          placeholder="123 456"
          maxLength={12}
          required
          data-autofocus
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <FormProblem error={confirm.error} />
        <Group justify="flex-end">
          <Button type="submit" loading={confirm.isPending} disabled={code.replaceAll(/\s/g, '').length < 6}>
            Turn on
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
