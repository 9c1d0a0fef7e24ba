/** ProviderButtons offers the providers of this server beside the form; nothing is shown where there are none. */
import { Alert, Button, Divider, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { readNext } from '../../shell/read-next.ts';
import { FormProblem } from '../../ui/states.tsx';
import { ProviderIcon } from './provider-icon.tsx';
import classes from './provider.module.css';
import { providersQuery, useProvider } from './sign-on-api.ts';

export function ProviderButtons() {
  const { next } = useSearch({ strict: false }) as { next?: unknown };
  const providers = useQuery(providersQuery);
  const leave = useProvider('start');
  // Without the list the form still works; a failure here is not worth a message.
  const list = providers.data?.providers ?? [];
  if (list.length === 0) return null;
  return (
    <Stack gap="xs">
      <Divider label="or" my={4} />
      <FormProblem error={leave.error} />
      {list.map(({ id, title, kind }) => (
        <Button
          key={id}
          className={classes.longButton}
          variant="default"
          leftSection={<ProviderIcon kind={kind} />}
          loading={leave.isPending && leave.variables.provider === id}
          disabled={leave.isPending}
          onClick={() => leave.mutate({ provider: id, next: readNext(next) })}
        >
          Continue with {title}
        </Button>
      ))}
    </Stack>
  );
}

/** What a provider's post may send people back with; anything else in the address is not shown. */
const problems: Readonly<Record<string, string>> = {
  SIGN_ON_EXPIRED: 'This sign-in was begun in another browser, was used already, or took too long. Start again.',
  SIGN_ON_REFUSED:
    'The answer of your organisation’s provider could not be verified, so you were not signed in. Start again; if it happens again, tell your administrator.',
  SIGN_ON_PROVIDER_AWAY: 'The provider did not answer in time. Try again in a moment.',
  SIGN_ON_NO_EMAIL: 'The provider did not tell an e-mail address. Tell your administrator.',
};

/** SignOnProblem says why somebody who was away at a provider stands here again. */
export function SignOnProblem() {
  const { problem } = useSearch({ strict: false }) as { problem?: unknown };
  const sentence = typeof problem === 'string' && Object.hasOwn(problems, problem) ? problems[problem] : undefined;
  if (!sentence) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} role="alert" py="xs" mt="md">
      <Text size="sm">{sentence}</Text>
    </Alert>
  );
}
