/** Where an app sends its person: they see what it asks for, and let it sign in as them or not. */
import { Alert, Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconDeviceMobile } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { tokensContract } from '../../../kernel/auth/tokens/contract.ts';
import { useCall } from '../../api-hooks.ts';
import { createApi } from '../../api.ts';
import { useSession } from '../../session.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, FormProblem } from '../../ui/states.tsx';
import classes from '../pages.module.css';

const tokensApi = createApi<typeof tokensContract>();

/** readRequest takes the parameters of RFC 7636 from the address; null when the app sent something else. */
function readRequest(search: string) {
  const parameters = new URLSearchParams(search);
  const text = (name: string): string => parameters.get(name) ?? '';
  if (text('code_challenge_method') !== 'S256' || !text('code_challenge') || !text('redirect_uri')) return null;
  const state = parameters.get('state');
  return {
    codeChallenge: text('code_challenge'),
    redirectUri: text('redirect_uri'),
    deviceName: text('device_name').slice(0, 80) || 'An app',
    ...(state === null ? {} : { state }),
  };
}

export default function ConnectDevicePage() {
  const { user, organisation } = useSession();
  const [request] = useState(() => readRequest(location.search));
  const consent = useCall(tokensApi, 'POST /auth/device-codes', {
    onSuccess: ({ redirectTo }) => location.assign(redirectTo),
  });
  if (!request) {
    return (
      <div className={classes.narrow}>
        <PageHeader title="Connect an app" />
        <EmptyState icon={IconDeviceMobile} title="An app should have sent you here">
          This page lets an app sign in as you. Open the app and begin there.
        </EmptyState>
      </div>
    );
  }
  return (
    <div className={classes.narrow}>
      <PageHeader title={`Let ${request.deviceName} sign in?`} />
      <Paper withBorder p="md">
        <Stack gap="md">
          <Text size="sm">
            It will act as <b>{user.name}</b> in <b>{organisation.name}</b> and may do what you may, except sensitive
            changes. You can end it at any time under Settings, Sessions.
          </Text>
          <Text size="sm" c="dimmed">
            You go back to <code>{request.redirectUri}</code>. Continue only if you have just begun this in an app of
            yours.
          </Text>
          {consent.data ? (
            <Alert color="teal" role="status">
              Go back to the app. You may close this page.
            </Alert>
          ) : null}
          <FormProblem error={consent.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" component={Link} to="/">
              Do not
            </Button>
            <Button loading={consent.isPending} onClick={() => consent.mutate({ body: request })}>
              Let it sign in
            </Button>
          </Group>
        </Stack>
      </Paper>
    </div>
  );
}
