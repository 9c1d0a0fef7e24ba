/** SoleOwner names the organisations that would be left to others without an owner, and leads to where that is mended. */
import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { queryOf } from '../../api-hooks.ts';
import { goToOrganisation, tenancyApi } from '../../organisation.ts';
import { FormProblem } from '../../ui/states.tsx';
import classes from './data.module.css';

export function SoleOwner({ names }: { readonly names: readonly string[] }) {
  return (
    <Alert
      color="red"
      className={classes.notice}
      icon={<IconAlertTriangle size={20} />}
      role="alert"
      title="Others would be left without an owner"
    >
      <Stack gap="sm">
        <Text size="sm">
          You are the only owner of {names.length === 1 ? 'an organisation' : 'organisations'} that others belong to.
          Make one of them an owner, or delete the organisation; then ask again.
        </Text>
        <Ways names={names} />
      </Stack>
    </Alert>
  );
}

/** Ways lists them by name; those of the same name are all offered, because the refusal says names only. */
function Ways({ names }: { readonly names: readonly string[] }) {
  const mine = useQuery(queryOf(tenancyApi, 'GET /organisations', { query: { limit: 200 } }));
  const go = useMutation({ mutationFn: (id: string) => goToOrganisation(id, '/settings/members') });
  const owned = mine.data?.items.filter(({ role }) => role === 'owner') ?? [];
  return (
    <>
      <ul className={classes.ways} aria-label="Organisations without another owner">
        {names.map((name) => (
          <li key={name}>
            <strong>{name}</strong>
            {owned
              .filter((organisation) => organisation.name === name)
              .map(({ id }) => (
                <Button
                  key={id}
                  size="xs"
                  variant="default"
                  loading={go.isPending && go.variables === id}
                  aria-label={`Go to its members: ${name}`}
                  onClick={() => go.mutate(id)}
                >
                  Go to its members
                </Button>
              ))}
          </li>
        ))}
      </ul>
      <FormProblem error={go.error} />
    </>
  );
}
