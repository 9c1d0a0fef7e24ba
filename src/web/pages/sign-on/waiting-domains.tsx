/** WaitingDomains shows who runs the server which domains wait for proof; confirming one is a word given for an organisation. */
import { Button, Card, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconWorldQuestion } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataList, DataRow } from '../../ui/data-list.tsx';
import { signOnApi } from './sign-on-api.ts';
import classes from './sign-on.module.css';

interface Waiting {
  readonly id: string;
  readonly domain: string;
  readonly organisation: string;
  readonly createdAt: string;
}

export function WaitingDomains() {
  const waiting = usePages(signOnApi, 'GET /operator/sso-domains');
  const queryClient = useQueryClient();
  const [chosen, setChosen] = useState<Waiting | null>(null);
  const confirm = useCall(signOnApi, 'POST /operator/sso-domains/confirm', {
    onSuccess: async () => {
      notifications.show({ message: `${chosen?.domain ?? 'The domain'} is confirmed.` });
      setChosen(null);
      await queryClient.invalidateQueries({ queryKey: keyOf('GET /operator/sso-domains') });
      await queryClient.invalidateQueries({ queryKey: keyOf('GET /sso-connections') });
    },
  });
  if (waiting.items.length === 0) return null;
  return (
    <Card className={classes.card} mt="lg">
      <Stack gap="sm">
        <div>
          <Title order={2} size="h4">
            Domains waiting for proof
          </Title>
          <Text size="sm" c="dimmed">
            You run this server: where DNS cannot tell, you may confirm that a domain belongs to an organisation.
          </Text>
        </div>
        <DataList
          label="Domains waiting for proof"
          items={waiting.items}
          itemKey={(item) => item.id}
          isLoading={false}
          hasMore={waiting.hasNextPage}
          isLoadingMore={waiting.isFetchingNextPage}
          onLoadMore={() => void waiting.fetchNextPage()}
          empty={null}
          renderItem={(item) => (
            <DataRow
              icon={<IconWorldQuestion size={22} stroke={1.5} />}
              title={item.domain}
              description={
                <>
                  {item.organisation} · claimed <TimeAgo at={item.createdAt} />
                </>
              }
              actions={
                <Button
                  size="xs"
                  variant="default"
                  aria-label={`Confirm ${item.domain} for ${item.organisation}`}
                  onClick={() => setChosen(item)}
                >
                  Confirm
                </Button>
              }
            />
          )}
        />
      </Stack>
      <ConfirmDialog
        isOpen={chosen !== null}
        title={`Confirm ${chosen?.domain ?? ''}?`}
        confirmLabel="Confirm"
        isBusy={confirm.isPending}
        error={confirm.error}
        onConfirm={() => chosen && confirm.mutate({ body: { domainId: chosen.id } })}
        onClose={() => {
          confirm.reset();
          setChosen(null);
        }}
      >
        {chosen?.organisation} will decide who signs in with an address of this domain. Be sure that it is theirs: ask
        them, not their message.
      </ConfirmDialog>
    </Card>
  );
}
