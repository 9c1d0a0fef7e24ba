/** EmailForm shows whether the address is confirmed, and changes it: the new one counts once its link was used. */
import { Alert, Button, Card, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { IconMailFast } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { setupQuery, useSession } from '../../session.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { mailProofsApi } from './mail-proofs-api.ts';

export function EmailForm() {
  const { user } = useSession();
  const form = useForm({ initialValues: { email: user.email } });
  const [problem, setProblem] = useState<unknown>(null);
  const change = useCall(mailProofsApi, 'POST /profile/email', {
    onMutate: () => setProblem(null),
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  return (
    <Card>
      <form onSubmit={form.onSubmit((body) => change.mutate({ body }))}>
        <Stack gap="sm">
          <Group justify="space-between">
            <Title order={2}>E-mail</Title>
            <StatusBadge tone={user.isEmailVerified ? 'good' : 'warning'}>
              {user.isEmailVerified ? 'Confirmed' : 'Not confirmed'}
            </StatusBadge>
          </Group>
          {user.isEmailVerified ? null : <Confirm email={user.email} />}
          <TextInput
            label="Address"
            type="email"
            autoComplete="email"
            required
            description="You sign in with it, and links to choose a new password go there."
            {...form.getInputProps('email')}
          />
          <FormProblem error={problem} />
          {change.isSuccess ? <Asked email={change.variables.body.email} /> : null}
          <Group justify="flex-end">
            <Button
              type="submit"
              loading={change.isPending}
              disabled={form.values.email.trim().toLowerCase() === user.email}
            >
              Change the address
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function Confirm({ email }: { readonly email: string }) {
  const ask = useCall(mailProofsApi, 'POST /auth/email-verification', {
    onError: (error) => notifications.show({ color: 'red', message: error.message }),
  });
  if (ask.isSuccess) return <Asked email={email} />;
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm" flex="1 1 16rem">
        Show that this address is yours, so that nobody else can claim it.
      </Text>
      <Button size="xs" variant="default" loading={ask.isPending} onClick={() => ask.mutate({})}>
        Send a link
      </Button>
    </Group>
  );
}

function Asked({ email }: { readonly email: string }) {
  const setup = useQuery(setupQuery);
  return (
    <Alert icon={<IconMailFast size={18} />} role="status" py="xs">
      <Text size="sm">
        A link is on its way to <strong>{email}</strong>.
        {setup.data?.isMailConfigured === false
          ? ' This server has no mail server: who runs it finds the link in the outbox, under Administration.'
          : ''}
      </Text>
    </Alert>
  );
}
