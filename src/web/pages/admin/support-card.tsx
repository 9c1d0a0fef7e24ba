/** Support access, for who runs the server: ask to be let in, look, and give it up. */
import { Button, Card, Group, Modal, NumberInput, Stack, Text, Textarea, Title } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { arriveAt } from '../../organisation.ts';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { supportApi, type Grant } from './admin-api.ts';
import { hoursOf, SupportState, untilOf } from './support-state.tsx';

export function SupportCard({ organisationId }: { readonly organisationId: string }) {
  const [isAsking, setAsking] = useState(false);
  const grants = useQuery({
    ...queryOf(supportApi, 'GET /admin/support-access', { query: { organisationId, limit: 5 } }),
    refetchInterval: 10_000, // the answer comes from elsewhere
  });
  const items = grants.data?.items ?? [];
  const hasOpen = items.some(({ state }) => state === 'asked' || state === 'granted');
  return (
    <Card>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2}>Support access</Title>
          <Button variant="default" disabled={hasOpen || grants.isPending} onClick={() => setAsking(true)}>
            Ask to be let in
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          With the consent of an owner you can look into this organisation for some hours. You read and change nothing,
          what its people keep for themselves stays hidden, and what you read stands in its audit trail.
        </Text>
        {grants.isPending ? <LoadingRows rows={1} /> : null}
        {grants.error ? <ErrorState error={grants.error} onRetry={() => void grants.refetch()} /> : null}
        {items.map((grant) => (
          <GrantLine key={grant.id} grant={grant} />
        ))}
      </Stack>
      <AskDialog organisationId={organisationId} isOpen={isAsking} onClose={() => setAsking(false)} />
    </Card>
  );
}

function useRefresh() {
  const queryClient = useQueryClient();
  return () => void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/support-access') });
}

function GrantLine({ grant }: { readonly grant: Grant }) {
  const refresh = useRefresh();
  const withdraw = useCall(supportApi, 'POST /admin/support-access/{grantId}/withdraw', { onSuccess: refresh });
  const visit = useCall(supportApi, 'POST /admin/support-access/{grantId}/visit', {
    onSuccess: ({ organisationId }) => arriveAt(organisationId),
    onError: refresh,
  });
  const params = { grantId: grant.id };
  const isOpen = grant.state === 'asked' || grant.state === 'granted';
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <SupportState state={grant.state} />
          <Text size="sm">
            {hoursOf(grant)}, asked <TimeAgo at={grant.createdAt} />
            {untilOf(grant)}
          </Text>
        </Group>
        {isOpen ? (
          <Group gap="xs">
            {grant.state === 'granted' ? (
              <Button
                size="xs"
                leftSection={<IconEye size={16} />}
                loading={visit.isPending}
                onClick={() => visit.mutate({ params })}
              >
                Look into it
              </Button>
            ) : null}
            <Button
              size="xs"
              variant="default"
              loading={withdraw.isPending}
              onClick={() => withdraw.mutate({ params })}
            >
              {grant.state === 'granted' ? 'Give it up' : 'Take it back'}
            </Button>
          </Group>
        ) : null}
      </Group>
      <Text size="sm" c="dimmed">
        “{grant.reason}”
      </Text>
      <FormProblem error={visit.error ?? withdraw.error} />
    </Stack>
  );
}

interface AskDialogProps {
  readonly organisationId: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

function AskDialog({ isOpen, onClose, organisationId }: AskDialogProps) {
  const refresh = useRefresh();
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState<number | string>(1);
  const ask = useCall(supportApi, 'POST /admin/organisations/{organisationId}/support-access', {
    onSuccess: () => {
      refresh();
      setReason('');
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate({ params: { organisationId }, body: { reason: reason.trim(), hours: Number(hours) } });
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title="Ask to be let in">
      <form onSubmit={submit}>
        <Stack>
          <Textarea
            label="Reason"
            description="Its owners read this before they decide"
            required
            autosize
            minRows={3}
            maxLength={1_000}
            data-autofocus
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <NumberInput
            label="Hours"
            description="From the consent on, 24 at most"
            required
            min={1}
            max={24}
            allowDecimal={false}
            clampBehavior="strict"
            value={hours}
            onChange={setHours}
          />
          <FormProblem error={ask.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={ask.isPending} disabled={reason.trim() === '' || hours === ''}>
              Ask
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
