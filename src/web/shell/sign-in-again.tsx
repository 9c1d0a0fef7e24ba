/**
 * When a session ends under a page, this asks to sign in over it, so that nothing typed below is lost. Who would rather
 * not is left in peace: a notice offers it, and the next thing they send asks again.
 */
import { Anchor, Button, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore, type FormEvent } from 'react';
import { useCall } from '../api-hooks.ts';
import { believedPerson, sessionLost } from '../api.ts';
import { PasskeySignIn } from '../pages/security/passkey-sign-in.tsx';
import { SecondStep } from '../pages/security/second-step.tsx';
import type { SecondFactor } from '../pages/security/security-api.ts';
import { countAnswers } from '../question.ts';
import { authApi, sessionQuery, useSession, type Session } from '../session.ts';
import { PasswordField } from '../ui/password-field.tsx';
import { FormProblem } from '../ui/states.tsx';
import { useSessionElsewhere } from './use-session-elsewhere.ts';

export function SignInAgain() {
  const { user } = useSession();
  const [isOpen, setOpen] = useState(false);
  const [password, setPassword] = useState('');
  const [second, setSecond] = useState<SecondFactor | null>(null);
  const queryClient = useQueryClient();
  const isDeclined = useSyncExternalStore(sessionLost.subscribe, sessionLost.isDeclined);
  useEffect(() => sessionLost.onAsked(() => setOpen(true)), []);
  useNotice(isDeclined);
  const close = (isBack: boolean) => {
    setOpen(false);
    setPassword('');
    setSecond(null);
    signIn.reset();
    sessionLost.answer(isBack);
  };
  const signIn = useCall(authApi, 'POST /auth/sign-in', {
    onSuccess: (given) => ('secondFactor' in given ? setSecond(given.secondFactor) : enter(given)),
  });
  const enter = (session: Session) => {
    queryClient.setQueryData(sessionQuery.queryKey, session);
    close(true); // the waiting calls are sent again by the API client
    void queryClient.refetchQueries({ predicate: ({ state }) => state.status === 'error' }); // those that did not wait
  };
  useSessionElsewhere(isOpen || isDeclined, enter);
  const other = useSomebodyElse(isOpen);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ body: { identifier: user.email, password } });
  };
  /** A passkey may be anybody's; the page below belongs to one person. */
  const enterByPasskey = (session: Session) =>
    session.user.id === user.id ? enter(session) : globalThis.location.assign('/');
  return (
    <Modal opened={isOpen} onClose={() => close(false)} title="Your session has ended">
      {second ? (
        <SecondStep methods={second.methods} onDone={enter} onGiveUp={() => setSecond(null)} />
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">
              Sign in again as <strong>{user.email}</strong> to go on. Everything on the page is still there.
            </Text>
            {other ? (
              <Text size="sm">
                {other} is signed in in this browser now.{' '}
                <Anchor href={pageAddress()} inherit>
                  Go on as {other}
                </Anchor>{' '}
                (leaves this page)
              </Text>
            ) : null}
            <input type="email" name="username" autoComplete="username" value={user.email} readOnly hidden />
            <PasswordField
              label="Password"
              autoComplete="current-password"
              required
              data-autofocus
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <FormProblem error={signIn.error} />
            <Button type="submit" loading={signIn.isPending}>
              Sign in
            </Button>
            <PasskeySignIn onDone={enterByPasskey} />
            <Text size="sm" ta="center">
              <Anchor href={`/sign-in?next=${encodeURIComponent(pageAddress())}`} inherit>
                Sign in another way
              </Anchor>{' '}
              (leaves this page)
            </Text>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

/** useSomebodyElse is the name of who signed in in this browser instead of whose page this is, if anybody did. */
function useSomebodyElse(isOpen: boolean): string | null {
  const [name, setName] = useState<string | null>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    let isOver = false;
    const show = (session: Session | null) => {
      if (!isOver) setName(session && session.user.id !== believedPerson() ? session.user.name : null);
    };
    void authApi('GET /session').then(show, () => show(null));
    return () => {
      isOver = true;
    };
  }, [isOpen]);
  return name;
}

const noticeId = 'session-ended';

/** useNotice stays until the person is asked again, by its button or by what they do. */
function useNotice(isShown: boolean): void {
  useEffect(() => {
    if (!isShown) return undefined;
    notifications.show({
      id: noticeId,
      title: 'You are signed out',
      message: <Notice />,
      color: 'yellow',
      autoClose: false,
    });
    return () => void notifications.hide(noticeId);
  }, [isShown]);
}

function Notice() {
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm">What you typed is kept. To send it, sign in again.</Text>
      <Button size="xs" variant="default" onClick={() => void sessionLost.ask(countAnswers())}>
        Sign in again
      </Button>
    </Stack>
  );
}

function pageAddress(): string {
  const { pathname, search } = globalThis.location;
  return pathname + search;
}
