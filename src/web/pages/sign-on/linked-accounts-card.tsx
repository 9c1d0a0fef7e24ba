/** LinkedAccountsCard shows through which providers one signs in, links another and unlinks one; the last way in stays. */
import { Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataList, DataRow } from '../../ui/data-list.tsx';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { ProviderIcon } from './provider-icon.tsx';
import { providersQuery, signOnApi, useProvider, type LinkedAccount } from './sign-on-api.ts';

/** LinkedAccountsCard shows nothing where neither the server nor an organisation offers a provider. */
export function LinkedAccountsCard({ onChange }: { readonly onChange?: () => void }) {
  const providers = useQuery(providersQuery);
  const linked = usePages(signOnApi, 'GET /profile/linked-accounts');
  const link = useProvider('link');
  const [doomed, setDoomed] = useState<LinkedAccount | null>(null);
  const kinds = new Map(providers.data?.providers.map(({ id, kind }) => [id, kind]));
  const offered = (providers.data?.providers ?? []).filter(
    ({ id }) => !linked.items.some((account) => account.provider === id),
  );
  if (providers.isPending || linked.isPending) return <LoadingRows rows={1} height={96} />;
  if (linked.isError) return <ErrorState error={linked.error} onRetry={() => void linked.refetch()} />;
  if (linked.items.length === 0 && offered.length === 0) return null;
  return (
    <Card>
      <Stack gap="sm">
        <div>
          <Title order={2}>Providers</Title>
          <Text c="dimmed" size="sm">
            {linked.items.length === 0
              ? 'Link one to sign in with it, beside or instead of a password.'
              : 'You sign in with these as well.'}
          </Text>
        </div>
        <DataList
          label="Linked providers"
          items={linked.items}
          itemKey={(account) => account.id}
          isLoading={false}
          empty={null}
          renderItem={(account) => (
            <DataRow
              icon={<ProviderIcon kind={kinds.get(account.provider) ?? 'organisation'} size={22} />}
              title={account.title}
              description={
                <>
                  {account.label ? `${account.label} · ` : ''}linked <TimeAgo at={account.createdAt} />
                </>
              }
              actions={
                <Button
                  size="xs"
                  variant="default"
                  aria-label={`Unlink ${account.title}`}
                  onClick={() => setDoomed(account)}
                >
                  Unlink
                </Button>
              }
            />
          )}
        />
        <FormProblem error={link.error} />
        {offered.length > 0 ? (
          <Group gap="xs">
            {offered.map(({ id, title, kind }) => (
              <Button
                key={id}
                size="xs"
                variant="default"
                leftSection={<ProviderIcon kind={kind} size={16} />}
                loading={link.isPending && link.variables.provider === id}
                onClick={() => link.mutate({ provider: id, next: '/settings/security' })}
              >
                Link {title}
              </Button>
            ))}
          </Group>
        ) : null}
      </Stack>
      <UnlinkDialog account={doomed} onClose={() => setDoomed(null)} onDone={onChange} />
    </Card>
  );
}

interface UnlinkDialogProps {
  readonly account: LinkedAccount | null;
  readonly onClose: () => void;
  readonly onDone?: (() => void) | undefined;
}

function UnlinkDialog({ account, onClose, onDone }: UnlinkDialogProps) {
  const queryClient = useQueryClient();
  const unlink = useCall(signOnApi, 'DELETE /profile/linked-accounts/{linkedAccountId}', {
    onSuccess: async () => {
      notifications.show({ message: `${account?.title ?? 'The provider'} is unlinked.` });
      onClose();
      onDone?.();
      await queryClient.invalidateQueries({ queryKey: keyOf('GET /profile/linked-accounts') });
    },
  });
  const close = () => {
    unlink.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      isOpen={account !== null}
      title={`Unlink ${account?.title ?? ''}?`}
      confirmLabel="Unlink"
      isBusy={unlink.isPending}
      error={unlink.error}
      onConfirm={() => account && unlink.mutate({ params: { linkedAccountId: account.id } })}
      onClose={close}
    >
      You can no longer sign in with it. Your account and everything in it stay.
    </ConfirmDialog>
  );
}
