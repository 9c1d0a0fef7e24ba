/** MailDrawer shows one message as plain text: no markup of a mail ever becomes part of this page. */
import { Alert, Button, Drawer, Group, Stack, Text } from '@mantine/core';
import { IconRefresh, IconSend } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { formatTime } from '../../ui/format.ts';
import { FactList } from '../../ui/fact-list.tsx';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { LinkedText } from './linked-text.tsx';
import { MailStateBadge } from './mail-state-badge.tsx';
import { outboxApi, type MailMessage } from './outbox-api.ts';

interface MailDrawerProps {
  readonly mailId: string | null;
  readonly isConfigured: boolean;
  readonly onClose: () => void;
}

export function MailDrawer({ mailId, isConfigured, onClose }: MailDrawerProps) {
  const mail = useQuery({
    ...queryOf(outboxApi, 'GET /admin/outbox/{mailId}', { params: { mailId: mailId ?? '' } }),
    enabled: mailId !== null,
    staleTime: Infinity, // each reading is on record: not again because a window got the focus
    refetchOnWindowFocus: false,
  });
  return (
    <Drawer opened={mailId !== null} onClose={onClose} position="right" size="lg" title="Message">
      {mail.isPending ? <LoadingRows /> : null}
      {mail.error ? <ErrorState error={mail.error} onRetry={() => void mail.refetch()} /> : null}
      {mail.data ? <MailView mail={mail.data} isConfigured={isConfigured} /> : null}
    </Drawer>
  );
}

function MailView({ mail, isConfigured }: { readonly mail: MailMessage; readonly isConfigured: boolean }) {
  return (
    <Stack gap="md">
      <FactList>
        <dt>To</dt>
        <dd>{mail.to}</dd>
        <dt>Subject</dt>
        <dd>{mail.subject}</dd>
        <dt>Written</dt>
        <dd>{formatTime(mail.createdAt)}</dd>
        <dt>State</dt>
        <dd>
          <MailStateBadge state={mail.state} attempts={mail.attempts} />
        </dd>
        {mail.nextTryAt && mail.attempts > 0 ? (
          <>
            <dt>Next try</dt>
            <dd>{formatTime(mail.nextTryAt)}</dd>
          </>
        ) : null}
      </FactList>
      {mail.lastError ? (
        <Alert color="red" title="The last try failed" py="xs">
          <Text size="sm">{mail.lastError}</Text>
        </Alert>
      ) : null}
      {mail.text === null ? (
        <Text size="sm" c="dimmed">
          The text was erased when the mail server took the message.
        </Text>
      ) : (
        <LinkedText text={mail.text} />
      )}
      {mail.state === 'sent' ? null : <RetryButton mail={mail} isConfigured={isConfigured} />}
    </Stack>
  );
}

const labels = { kept: 'Send', waiting: 'Try now', failed: 'Send again', sent: 'Sent' } as const;

function RetryButton({ mail, isConfigured }: { readonly mail: MailMessage; readonly isConfigured: boolean }) {
  const queryClient = useQueryClient();
  const retry = useCall(outboxApi, 'POST /admin/outbox/{mailId}/retry', {
    onSuccess: (changed) => {
      const key = queryOf(outboxApi, 'GET /admin/outbox/{mailId}', { params: { mailId: mail.id } }).queryKey;
      queryClient.setQueryData(key, { ...mail, ...changed });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/outbox') });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/outbox-status') });
    },
  });
  const isWaiting = mail.state === 'waiting';
  return (
    <>
      <FormProblem error={retry.error} />
      <Group gap="xs">
        <Button
          variant="default"
          disabled={!isConfigured}
          loading={retry.isPending}
          leftSection={isWaiting ? <IconRefresh size={16} /> : <IconSend size={16} />}
          onClick={() => retry.mutate({ params: { mailId: mail.id } })}
        >
          {labels[mail.state]}
        </Button>
        {isConfigured ? null : (
          <Text size="xs" c="dimmed">
            Needs a mail server.
          </Text>
        )}
      </Group>
    </>
  );
}
