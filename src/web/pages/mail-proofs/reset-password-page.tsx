/** /reset-password#token=… chooses a new password and signs in; a link that ended says how to get another. */
import { Anchor, Button, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { asProblem } from '../../api.ts';
import { sessionQuery, setupQuery } from '../../session.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { NewPasswordField } from '../new-password-field.tsx';
import { OpenPageTitle } from '../open-page-title.tsx';
import { mailProofsApi, readToken } from './mail-proofs-api.ts';

export default function ResetPasswordPage() {
  const [token] = useState(readToken);
  const look = useQuery({
    queryKey: ['password-reset', token],
    queryFn: () => mailProofsApi('POST /auth/password-reset/look', { body: { token: token ?? '' } }),
    enabled: token !== null,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (token === null) return <DeadLink />;
  if (look.isPending) return <LoadingRows />;
  if (look.isError) {
    const { code } = asProblem(look.error);
    if (code === 'MAIL_LINK_INVALID' || code === 'INVALID_REQUEST') return <DeadLink />;
    return <ErrorState error={look.error} onRetry={() => void look.refetch()} />;
  }
  return <NewPasswordForm token={token} email={look.data.email} name={look.data.name} />;
}

function DeadLink() {
  return (
    <>
      <OpenPageTitle title="This link does not work any more">
        A link to choose a new password works once, for an hour. Ask for a new one; it takes a minute.
      </OpenPageTitle>
      <Button component={Link} to="/forgot-password" fullWidth>
        Get a new link
      </Button>
    </>
  );
}

interface NewPasswordFormProps {
  readonly token: string;
  readonly email: string;
  readonly name: string;
}

function NewPasswordForm({ token, email, name }: NewPasswordFormProps) {
  const setup = useQuery(setupQuery);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({ initialValues: { password: '' } });
  const [problem, setProblem] = useState<unknown>(null);
  const finish = useCall(mailProofsApi, 'POST /auth/password-reset/finish', {
    onMutate: () => setProblem(null),
    onSuccess: async (session) => {
      if ('secondFactor' in session) {
        await navigate({ to: '/sign-in', search: { step: 'second' }, replace: true });
        return;
      }
      queryClient.setQueryData(sessionQuery.queryKey, session);
      await navigate({ to: '/', replace: true });
    },
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  return (
    <>
      <OpenPageTitle title="Choose a new password">
        For <strong>{email}</strong>. Every session you have ends, wherever it is.
      </OpenPageTitle>
      <form onSubmit={form.onSubmit(({ password }) => finish.mutate({ body: { token, password } }))}>
        <input type="email" name="username" autoComplete="username" value={email} readOnly hidden />
        <Stack gap="sm">
          <NewPasswordField
            label="New password"
            demands={setup.data?.passwordPolicy ?? { minLength: 12, needsClasses: true }}
            personal={[name, email]}
            value={form.values.password}
            error={form.errors['password']}
            onChange={(password) => form.setFieldValue('password', password)}
          />
          <FormProblem error={problem} />
          <Button type="submit" loading={finish.isPending} mt="xs">
            Save and sign in
          </Button>
        </Stack>
      </form>
      <Text size="sm" ta="center" mt="md">
        <Anchor component={Link} to="/sign-in" inherit>
          Back to signing in
        </Anchor>
      </Text>
    </>
  );
}
