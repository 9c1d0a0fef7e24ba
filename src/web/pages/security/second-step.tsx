/** The second step of signing in: a passkey, a code from the app, or a code from paper; the handiest is asked first. */
import { Anchor, Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useCall } from '../../api-hooks.ts';
import { ApiProblem } from '../../api.ts';
import { setupQuery, type Session } from '../../session.ts';
import { FormProblem, LoadingRows } from '../../ui/states.tsx';
import { factorsApi, passkeysApi, type SecondStepMethod } from './security-api.ts';
import { givePasskey, isPasskeyHost } from './use-passkeys.ts';
import { PasskeyProblem } from './passkey-problem.tsx';

interface SecondStepProps {
  readonly methods: readonly SecondStepMethod[];
  readonly onDone: (session: Session) => void;
  /** Back to the first step; also when the first step counts no more. */
  readonly onGiveUp: () => void;
}

const otherWays: Record<SecondStepMethod, string> = {
  passkey: 'Use a passkey',
  totp: 'Use the authenticator app',
  'recovery-code': 'Use a recovery code',
};

export function SecondStep({ methods, onDone, onGiveUp }: SecondStepProps) {
  const setup = useQuery(setupQuery);
  const [chosen, setChosen] = useState<SecondStepMethod | null>(null);
  const [trustDevice, setTrustDevice] = useState(false);
  const giveUp = useCall(factorsApi, 'DELETE /auth/second-factor', { onSettled: onGiveUp });
  if (setup.isPending) return <LoadingRows rows={2} height={44} />;
  const { passkeyHost = null } = setup.data ?? {};
  const usable = methods.filter((method) => method !== 'passkey' || isPasskeyHost(passkeyHost));
  const method = chosen ?? usable[0];
  if (!method) return <NoWay host={passkeyHost} onStartOver={() => giveUp.mutate({})} />;
  const shared = { trustDevice, onDone, onStartOver: () => giveUp.mutate({}) };
  return (
    <Stack gap="sm" mt="md">
      {method === 'passkey' ? <PasskeyStep {...shared} /> : <CodeStep key={method} method={method} {...shared} />}
      <Checkbox
        label="Do not ask again in this browser for 30 days"
        description="Only where nobody else uses it."
        checked={trustDevice}
        onChange={(event) => setTrustDevice(event.currentTarget.checked)}
      />
      <Group gap="md" justify="center" mt="xs">
        {usable
          .filter((other) => other !== method)
          .map((other) => (
            <Anchor key={other} component="button" type="button" size="sm" onClick={() => setChosen(other)}>
              {otherWays[other]}
            </Anchor>
          ))}
        <Anchor component="button" type="button" size="sm" c="dimmed" onClick={() => giveUp.mutate({})}>
          Start over
        </Anchor>
      </Group>
    </Stack>
  );
}

interface StepProps {
  readonly trustDevice: boolean;
  readonly onDone: (session: Session) => void;
  readonly onStartOver: () => void;
}

/** A passkey is all there is, and it cannot be used here. */
function NoWay({ host, onStartOver }: { readonly host: string | null; readonly onStartOver: () => void }) {
  return (
    <Stack gap="sm" mt="md">
      <Text size="sm">
        This account asks for a passkey, and this browser cannot use one at this address.
        {host ? ` Come by the address ${host}, in a browser that knows passkeys.` : null}
      </Text>
      <Button variant="default" onClick={onStartOver}>
        Start over
      </Button>
    </Stack>
  );
}

/** isOver is true when only the first step can help. */
function isOver(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'SECOND_FACTOR_EXPIRED';
}

function CodeStep({ method, trustDevice, onDone, onStartOver }: StepProps & { method: 'totp' | 'recovery-code' }) {
  const [code, setCode] = useState('');
  const finish = useCall(factorsApi, 'POST /auth/second-factor', { onSuccess: onDone, onError: () => setCode('') });
  const isApp = method === 'totp';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    finish.mutate({ body: { method, code, trustDevice } });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">
          {isApp
            ? 'Open your authenticator app and enter the code it shows for this server.'
            : 'Enter one of the recovery codes you kept. It works once.'}
        </Text>
        <TextInput
          label={isApp ? 'Code from the app' : 'Recovery code'}
          autoComplete={isApp ? 'one-time-code' : 'off'}
          inputMode={isApp ? 'numeric' : 'text'}
          autoCapitalize="none"
          spellCheck={false}
          placeholder={isApp ? '123 456' : 'xxxx-xxxx-xxxx-xxxx'}
          required
          autoFocus
          maxLength={60}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <FormProblem error={finish.error} />
        {isOver(finish.error) ? (
          <Button onClick={onStartOver}>Sign in again</Button>
        ) : (
          <Button type="submit" loading={finish.isPending} disabled={code.trim().length < 6}>
            Continue
          </Button>
        )}
      </Stack>
    </form>
  );
}

function PasskeyStep({ trustDevice, onDone, onStartOver }: StepProps) {
  const finish = useMutation({
    mutationFn: async () => {
      const request = await passkeysApi('POST /auth/second-factor/passkey-options');
      const credential = await givePasskey(request);
      return passkeysApi('POST /auth/second-factor/passkey', { body: { credential, trustDevice } });
    },
    onSuccess: onDone,
  });
  return (
    <>
      <Text size="sm">One more step: confirm with your passkey that it is you.</Text>
      <PasskeyProblem error={finish.error} />
      {isOver(finish.error) ? (
        <Button onClick={onStartOver}>Sign in again</Button>
      ) : (
        <Button
          leftSection={<IconFingerprint size={18} />}
          loading={finish.isPending}
          onClick={() => finish.mutate()}
          autoFocus
        >
          Continue with a passkey
        </Button>
      )}
    </>
  );
}
