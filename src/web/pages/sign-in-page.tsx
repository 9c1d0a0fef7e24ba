/** /sign-in, and back to the address that asked for it. */
import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useCall } from '../api-hooks.ts';
import { authApi, sessionQuery, setupQuery } from '../session.ts';
import { readNext } from '../shell/read-next.ts';
import { FormProblem } from '../ui/states.tsx';
import { OpenPageTitle } from './open-page-title.tsx';

export default function SignInPage() {
  const { next } = useSearch({ strict: false }) as { next?: unknown };
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const setup = useQuery(setupQuery);
  const form = useForm({ initialValues: { identifier: '', password: '' } });
  const signIn = useCall(authApi, 'POST /auth/sign-in', {
    onSuccess: async (session) => {
      queryClient.setQueryData(sessionQuery.queryKey, session);
      await navigate({ href: readNext(next), replace: true });
    },
  });
  const isNew = setup.data?.isOpen ?? false;
  useEffect(() => {
    if (isNew) void navigate({ to: '/setup', replace: true });
  }, [isNew, navigate]);
  return (
    <>
      <OpenPageTitle title="Sign in" />
      <form onSubmit={form.onSubmit((body) => signIn.mutate({ body }))}>
        <Stack gap="sm" mt="md">
          <TextInput
            label="E-mail or username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
            {...form.getInputProps('identifier')}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            {...form.getInputProps('password')}
          />
          <FormProblem error={signIn.error} />
          <Button type="submit" loading={signIn.isPending} mt="xs">
            Sign in
          </Button>
          {setup.data?.isSignUpOpen ? (
            <Text size="sm" ta="center">
              New here?{' '}
              <Anchor component={Link} to="/sign-up" inherit>
                Create an account
              </Anchor>
            </Text>
          ) : null}
        </Stack>
      </form>
    </>
  );
}
