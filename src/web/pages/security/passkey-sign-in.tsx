/** Signing in with a passkey alone: by the button, or picked in the name field where the browser offers that. */
import { Button } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useEffectEvent } from 'react';
import { setupQuery, type Session } from '../../session.ts';
import { PasskeyProblem } from './passkey-problem.tsx';
import { passkeysApi } from './security-api.ts';
import { canAutofill, givePasskey, isPasskeyHost, stopAsking } from './use-passkeys.ts';

/** A question waits ten minutes for its answer; asked anew before that, a page left open still works. */
const renewMilliseconds = 8 * 60_000;

async function signIn(isAutofill: boolean): Promise<Session> {
  const request = await passkeysApi('POST /auth/sign-in/passkey-options');
  const credential = await givePasskey(request, { isAutofill });
  return passkeysApi('POST /auth/sign-in/passkey', { body: { credential } });
}

interface PasskeySignInProps {
  readonly onDone: (session: Session) => void;
  /** Offers passkeys in the page's input with autocomplete `username webauthn`, too. */
  readonly isOfferedInField?: boolean;
}

/** PasskeySignIn shows nothing where there are no passkeys. */
export function PasskeySignIn({ onDone, isOfferedInField = false }: PasskeySignInProps) {
  const press = useMutation({ mutationFn: () => signIn(false), onSuccess: onDone });
  const isPossible = isPasskeyHost(useQuery(setupQuery).data?.passkeyHost);
  useAutofill(onDone, !isPossible || !isOfferedInField || press.isPending);
  if (!isPossible) return null;
  return (
    <>
      <PasskeyProblem error={press.error} />
      <Button
        variant="default"
        leftSection={<IconFingerprint size={18} />}
        loading={press.isPending}
        onClick={() => press.mutate()}
      >
        Sign in with a passkey
      </Button>
    </>
  );
}

/** useAutofill keeps a question open in the name field, except while another one is asked by the button. */
function useAutofill(onDone: (session: Session) => void, isPaused: boolean): void {
  const finish = useEffectEvent(onDone);
  useEffect(() => {
    if (isPaused) return;
    let isOver = false;
    const ask = async () => {
      if (!(await canAutofill()) || isOver) return;
      const session = await signIn(true);
      if (!isOver) finish(session);
    };
    // What goes wrong here was not asked for by the person: the button and the password are still there.
    const begin = () => void ask().catch(() => undefined);
    begin();
    const timer = setInterval(begin, renewMilliseconds);
    return () => {
      isOver = true;
      clearInterval(timer);
      void stopAsking();
    };
  }, [isPaused]);
}
