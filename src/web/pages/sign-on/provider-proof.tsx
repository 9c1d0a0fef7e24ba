/** ProviderProof shows again who one is through a linked provider: the page is left and comes back, the session stays. */
import { Button, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { usePages } from '../../api-hooks.ts';
import { FormProblem, LoadingRows } from '../../ui/states.tsx';
import { ProviderIcon } from './provider-icon.tsx';
import { providersQuery, signOnApi, useProvider } from './sign-on-api.ts';

/** `otherwise` is shown to people without a linked provider. */
export function ProviderProof({ otherwise }: { readonly otherwise: ReactNode }) {
  const providers = useQuery(providersQuery);
  const linked = usePages(signOnApi, 'GET /profile/linked-accounts');
  const prove = useProvider('step-up');
  if (linked.isPending || providers.isPending) return <LoadingRows rows={1} height={44} />;
  if (linked.items.length === 0) return otherwise;
  const kinds = new Map(providers.data?.providers.map(({ id, kind }) => [id, kind]));
  const next = globalThis.location.pathname + globalThis.location.search;
  return (
    <Stack gap="xs">
      {linked.items.map(({ id, provider, title }) => (
        <Button
          key={id}
          variant="default"
          leftSection={<ProviderIcon kind={kinds.get(provider) ?? 'organisation'} size={18} />}
          loading={prove.isPending && prove.variables.provider === provider}
          onClick={() => prove.mutate({ provider, next })}
        >
          Continue with {title}
        </Button>
      ))}
      <FormProblem error={prove.error} />
      <Text size="xs" c="dimmed">
        You leave this page for a moment and come back to it. Then press the button here once more.
      </Text>
    </Stack>
  );
}
