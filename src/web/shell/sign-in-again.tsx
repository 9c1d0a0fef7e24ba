/** When a session ends under a page, this asks for the password over it, so that nothing typed below is lost. */
import { Button, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { useCall } from '../api-hooks.ts';
import { onSessionLost } from '../api.ts';
import { authApi, sessionQuery, useSession } from '../session.ts';
import { FormProblem } from '../ui/states.tsx';

export function SignInAgain() {
  const { user } = useSession();
  const [isOpen, setOpen] = useState(false);
  const [password, setPassword] = useState('');
  const answer = useRef<((isBack: boolean) => void) | null>(null);
  const queryClient = useQueryClient();
  useEffect(() => {
    onSessionLost(
      () =>
        new Promise((resolve) => {
          answer.current = resolve;
          setOpen(true);
        }),
    );
    return () => onSessionLost(() => Promise.resolve(false));
  }, []);
  const close = (isBack: boolean) => {
    setOpen(false);
    setPassword('');
    signIn.reset();
    answer.current?.(isBack);
    answer.current = null;
  };
  const signIn = useCall(authApi, 'POST /auth/sign-in', {
    onSuccess: (session) => {
      queryClient.setQueryData(sessionQuery.queryKey, session);
      close(true); // the waiting calls are sent again by the API client
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ body: { identifier: user.email, password } });
  };
  return (
    <Modal opened={isOpen} onClose={() => close(false)} title="Your session has ended">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">
            Sign in again as <strong>{user.email}</strong> to go on. Everything on the page is still there.
          </Text>
          <input type="email" name="username" autoComplete="username" value={user.email} readOnly hidden />
          <PasswordInput
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
        </Stack>
      </form>
    </Modal>
  );
}
