/** /forgot-password asks for a link to choose a new one; what it says does not depend on whether there is an account. */
import { Alert, Anchor, Button, Stack, Text, TextInput } from '@mantine/core';
import { IconMailFast } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useCall } from '../../api-hooks.ts';
import { setupQuery } from '../../session.ts';
import { FormProblem } from '../../ui/states.tsx';
import { OpenPageTitle } from '../open-page-title.tsx';
import { mailProofsApi } from './mail-proofs-api.ts';

export default function ForgotPasswordPage() {
  const [email, setEmail] = useState('');
  const ask = useCall(mailProofsApi, 'POST /auth/password-reset');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate({ body: { email } });
  };
  return (
    <>
      <OpenPageTitle title="Forgot your password?">
        Enter the address of your account. You get a link to choose a new password.
      </OpenPageTitle>
      {ask.isSuccess ? (
        <Asked email={email} onAgain={() => ask.reset()} />
      ) : (
        <form onSubmit={submit}>
          <Stack gap="sm">
            <TextInput
              label="E-mail"
              type="email"
              autoComplete="username"
              required
              autoFocus
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <FormProblem error={ask.error} />
            <Button type="submit" loading={ask.isPending} mt="xs">
              Send the link
            </Button>
          </Stack>
        </form>
      )}
      <Text size="sm" ta="center" mt="md">
        <Anchor component={Link} to="/sign-in" inherit>
          Back to signing in
        </Anchor>
      </Text>
    </>
  );
}

function Asked({ email, onAgain }: { readonly email: string; readonly onAgain: () => void }) {
  const setup = useQuery(setupQuery);
  return (
    <Stack gap="sm">
      <Alert icon={<IconMailFast size={20} />} title="Look into your mailbox" role="status">
        If there is an account for <strong>{email}</strong>, a link is on its way. It works once, for an hour.
      </Alert>
      {setup.data?.isMailConfigured === false ? (
        <Text size="sm">
          This server has no mail server to send with. Who runs it finds the link in the outbox, under Administration.
        </Text>
      ) : (
        <Text size="sm" c="dimmed">
          Nothing there? Look among the unwanted mail, and check the address.
        </Text>
      )}
      <Button variant="default" onClick={onAgain}>
        Try another address
      </Button>
    </Stack>
  );
}
