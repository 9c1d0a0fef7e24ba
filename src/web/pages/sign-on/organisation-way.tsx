/** OrganisationWay offers the provider of one's organisation as soon as the address typed is of a domain that has one. */
import { Alert, Button, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconBuilding } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { readNext } from '../../shell/read-next.ts';
import { FormProblem } from '../../ui/states.tsx';
import { ProviderIcon } from './provider-icon.tsx';
import classes from './provider.module.css';
import { signOnApi, useProvider } from './sign-on-api.ts';

const waitMilliseconds = 300;
const completeAddress = /^[^\s@]+@(?:[a-z0-9-]+\.)+[a-z0-9-]{2,}$/i;

export function OrganisationWay({ identifier }: { readonly identifier: string }) {
  const { next } = useSearch({ strict: false }) as { next?: unknown };
  const [typed] = useDebouncedValue(identifier.trim(), waitMilliseconds);
  const isAddress = completeAddress.test(typed);
  const route = useQuery({
    queryKey: ['sign-on-route', typed],
    queryFn: () => signOnApi('POST /auth/sign-on/route', { body: { email: typed } }),
    enabled: isAddress,
    staleTime: 60_000,
    retry: false,
  });
  const leave = useProvider('start');
  const connection = isAddress ? route.data?.connection : null;
  if (!connection) return null;
  return (
    <Alert icon={<IconBuilding size={18} />} py="xs" role="status">
      <Stack gap="xs">
        <Text size="sm">
          {connection.isEnforced
            ? `${connection.name} asks its people to sign in here:`
            : `Your address belongs to ${connection.name}. You can sign in there:`}
        </Text>
        <FormProblem error={leave.error} />
        <Button
          className={classes.longButton}
          variant={connection.isEnforced ? 'filled' : 'default'}
          leftSection={<ProviderIcon kind="organisation" />}
          loading={leave.isPending}
          onClick={() => leave.mutate({ provider: connection.id, next: readNext(next) })}
        >
          Continue with {connection.name}
        </Button>
      </Stack>
    </Alert>
  );
}
