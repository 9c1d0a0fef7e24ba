/** What signing in asks for after the password: an app, a passkey, and the codes for when both are lost. */
import { Alert, Button, Card, Stack, Switch, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconDeviceMobile, IconFingerprint, IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { CardHeader } from './card-header.tsx';
import { FactorRow } from './factor-row.tsx';
import { RecoveryCodesDialog } from './recovery-codes.tsx';
import { factorsApi, type Factors } from './security-api.ts';
import { TotpDialog, type TotpSecret } from './totp-dialog.tsx';
import classes from './security.module.css';

const fewCodes = 3;

interface CardProps {
  readonly factors: Factors;
  /** Reads everything on the page anew. */
  readonly onChange: () => void;
}

export function SecondStepCard({ factors, onChange }: CardProps) {
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const isOn = factors.isTotpActive || factors.isPasskeyAsked;
  const showCodes = (made: readonly string[] | null) => {
    setCodes(made);
    onChange();
  };
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader
          title="Second step"
          state={<StatusBadge tone={isOn ? 'good' : 'neutral'}>{isOn ? 'On' : 'Off'}</StatusBadge>}
        >
          {isOn
            ? 'Your password alone does not let anybody in.'
            : 'With a second step a stolen password is not enough to sign in as you. A passkey used alone counts as both steps.'}
        </CardHeader>
        <AppRow factors={factors} onChange={onChange} onCodes={showCodes} />
        <PasskeyRow factors={factors} onCodes={showCodes} />
        {isOn ? <CodesRow left={factors.recoveryCodesLeft} onCodes={showCodes} /> : null}
      </Stack>
      <RecoveryCodesDialog codes={codes} onClose={() => setCodes(null)} />
    </Card>
  );
}

interface RowProps {
  readonly factors: Factors;
  readonly onCodes: (codes: readonly string[] | null) => void;
}

function tell(error: Error): void {
  notifications.show({ color: 'red', message: error.message });
}

function AppRow({ factors, onChange, onCodes }: RowProps & { readonly onChange: () => void }) {
  const [given, setGiven] = useState<TotpSecret | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const begin = useCall(factorsApi, 'POST /second-factors/totp', { onSuccess: setGiven, onError: tell });
  const remove = useCall(factorsApi, 'DELETE /second-factors/totp', {
    onSuccess: () => {
      setRemoving(false);
      notifications.show({ message: 'The authenticator app is no longer asked for.' });
      onChange();
    },
  });
  return (
    <>
      <FactorRow
        icon={IconDeviceMobile}
        title="Authenticator app"
        description={
          factors.isTotpActive
            ? 'A code from your app is asked for after the password.'
            : 'Codes from an app on your phone, also without network.'
        }
        action={
          factors.isTotpActive ? (
            <Button size="xs" variant="default" onClick={() => setRemoving(true)}>
              Remove the app
            </Button>
          ) : (
            <Button size="xs" loading={begin.isPending} onClick={() => begin.mutate({})}>
              Set up an app
            </Button>
          )
        }
      />
      <TotpDialog
        given={given}
        onClose={() => setGiven(null)}
        onConfirmed={(codes) => {
          setGiven(null);
          onCodes(codes);
          if (codes === null) notifications.show({ message: 'From now on signing in asks for a code from your app.' });
        }}
      />
      <ConfirmDialog
        isOpen={isRemoving}
        title="Remove the authenticator app?"
        confirmLabel="Remove the app"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({})}
        onClose={() => setRemoving(false)}
      >
        {factors.isPasskeyAsked
          ? 'Signing in goes on to ask for a passkey after the password.'
          : 'Your password alone will be enough to sign in, and your recovery codes end.'}
      </ConfirmDialog>
    </>
  );
}

function PasskeyRow({ factors, onCodes }: RowProps) {
  const ask = useCall(factorsApi, 'PUT /second-factors/passkey', {
    onSuccess: ({ recoveryCodes }) => onCodes(recoveryCodes),
    onError: tell,
  });
  const isPossible = factors.passkeys > 0 || factors.isPasskeyAsked;
  return (
    <FactorRow
      icon={IconFingerprint}
      title="Passkey after the password"
      description={
        isPossible
          ? `Whoever signs in with the password must give a passkey, too${factors.isTotpActive ? ', or a code from the app' : ''}.`
          : 'Add a passkey below, then it can be asked for here.'
      }
      action={
        isPossible ? (
          <Switch
            size="md"
            aria-label="Ask for a passkey after the password"
            checked={factors.isPasskeyAsked}
            disabled={ask.isPending}
            onChange={(event) => ask.mutate({ body: { isAsked: event.currentTarget.checked } })}
          />
        ) : null
      }
    />
  );
}

function CodesRow({ left, onCodes }: { readonly left: number; readonly onCodes: RowProps['onCodes'] }) {
  const [isConfirming, setConfirming] = useState(false);
  const renew = useCall(factorsApi, 'POST /second-factors/recovery-codes', {
    onSuccess: ({ recoveryCodes }) => {
      setConfirming(false);
      onCodes(recoveryCodes);
    },
  });
  return (
    <>
      <FactorRow
        icon={IconKey}
        title="Recovery codes"
        description="For when your phone or passkey is lost."
        state={
          <StatusBadge
            tone={left === 0 ? 'bad' : left <= fewCodes ? 'warning' : 'neutral'}
          >{`${left} left`}</StatusBadge>
        }
        action={
          <Button size="xs" variant="default" onClick={() => setConfirming(true)}>
            New codes
          </Button>
        }
      />
      {left <= fewCodes ? (
        <Alert color="yellow" icon={<IconAlertTriangle size={18} />} py="xs">
          <Text size="sm">
            {left === 0 ? 'You have no recovery code left.' : 'Few recovery codes are left.'} Make new ones, or you may
            lock yourself out.
          </Text>
        </Alert>
      ) : null}
      <ConfirmDialog
        isOpen={isConfirming}
        title="Make new recovery codes?"
        confirmLabel="Make new codes"
        isBusy={renew.isPending}
        error={renew.error}
        onConfirm={() => renew.mutate({})}
        onClose={() => setConfirming(false)}
      >
        The codes you have now stop working at once. The new ones are shown one time.
      </ConfirmDialog>
    </>
  );
}
