/** Before a sensitive change this asks for the password or a passkey again, over the page; the waiting call is then sent anew. */
import { Button, Divider, Modal, Stack, Text } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { useCall } from '../api-hooks.ts';
import { proofNeeded } from '../api.ts';
import { PasskeyProblem } from '../pages/security/passkey-problem.tsx';
import { factorsQuery, passkeysApi } from '../pages/security/security-api.ts';
import { givePasskey, isPasskeyHost } from '../pages/security/use-passkeys.ts';
import { ProviderProof } from '../pages/sign-on/provider-proof.tsx';
import { authApi, useSession } from '../session.ts';
import { PasswordField } from '../ui/password-field.tsx';
import { ErrorState, FormProblem, LoadingRows } from '../ui/states.tsx';

export function ShowItIsYou() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => proofNeeded.onAsked(() => setOpen(true)), []);
  const close = (isProved: boolean) => {
    setOpen(false);
    proofNeeded.answer(isProved);
  };
  return (
    <Modal opened={isOpen} onClose={() => close(false)} title="Show that it is you">
      <Ways onProved={() => close(true)} />
    </Modal>
  );
}

/** Ways offers what the person has; it is asked when the dialog opens, since it may have changed in another tab. */
function Ways({ onProved }: { readonly onProved: () => void }) {
  const factors = useQuery({ ...factorsQuery, staleTime: 0 });
  if (factors.isPending) return <LoadingRows rows={2} height={44} />;
  if (factors.isError) return <ErrorState error={factors.error} onRetry={() => void factors.refetch()} />;
  const { hasPassword, passkeys, passkeyHost } = factors.data;
  const hasPasskey = passkeys > 0 && isPasskeyHost(passkeyHost);
  if (!hasPassword && !hasPasskey) {
    return (
      <Stack>
        <Text size="sm">This change is sensitive. Show through your provider that it is you.</Text>
        <ProviderProof otherwise={<SignInAnew />} />
      </Stack>
    );
  }
  const passwordToo = hasPassword ? 'Use your passkey or enter your password' : 'Use your passkey';
  const invitation = hasPasskey ? passwordToo : 'Enter your password';
  return (
    <Stack>
      <Text size="sm">This change is sensitive. {invitation} to go on; you will not be asked again soon.</Text>
      {hasPasskey ? <PasskeyProof onProved={onProved} /> : null}
      {hasPasskey && hasPassword ? <Divider label="or" /> : null}
      {hasPassword ? <PasswordProof onProved={onProved} /> : null}
      {hasPassword ? null : <ProviderProof otherwise={null} />}
    </Stack>
  );
}

function PasskeyProof({ onProved }: { readonly onProved: () => void }) {
  const prove = useMutation({
    mutationFn: async () => {
      const request = await passkeysApi('POST /auth/step-up/passkey-options');
      await passkeysApi('POST /auth/step-up/passkey', { body: { credential: await givePasskey(request) } });
    },
    onSuccess: onProved,
  });
  return (
    <>
      <PasskeyProblem error={prove.error} />
      <Button
        variant="default"
        leftSection={<IconFingerprint size={18} />}
        loading={prove.isPending}
        onClick={() => prove.mutate()}
      >
        Use a passkey
      </Button>
    </>
  );
}

function PasswordProof({ onProved }: { readonly onProved: () => void }) {
  const { user } = useSession();
  const [password, setPassword] = useState('');
  const prove = useCall(authApi, 'POST /auth/step-up', { onSuccess: onProved });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    prove.mutate({ body: { password } });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <input type="email" name="username" autoComplete="username" value={user.email} readOnly hidden />
        <PasswordField
          label="Password"
          autoComplete="current-password"
          required
          data-autofocus
          autoFocus
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <FormProblem error={prove.error} />
        <Button type="submit" loading={prove.isPending}>
          Continue
        </Button>
      </Stack>
    </form>
  );
}

/** Whoever has neither has come by a provider; coming that way again is the proof. */
function SignInAnew() {
  const signOut = useCall(authApi, 'POST /auth/sign-out', {
    onSuccess: () => {
      const { pathname, search } = globalThis.location;
      globalThis.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}`);
    },
  });
  return (
    <Stack>
      <Text size="sm">
        Your account has neither a password nor a passkey. Sign in again; you come back to this page.
      </Text>
      <FormProblem error={signOut.error} />
      <Button loading={signOut.isPending} onClick={() => signOut.mutate({})}>
        Sign in again
      </Button>
    </Stack>
  );
}
