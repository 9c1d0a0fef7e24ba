/** ThisDevice switches Web Push on and off in the browser one looks at, and says what stands in the way. */
import { Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconBellOff, IconBellRinging } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { keyOf } from '../../api-hooks.ts';
import { disablePush, enablePush, pushApi, readPushState, type PushState } from '../../push.ts';
import { useSession } from '../../session.ts';
import { FormProblem } from '../../ui/states.tsx';

const sentences: Readonly<Record<PushState, string>> = {
  on: 'This browser shows notifications, even when no page of Bulkhead is open.',
  off: 'Have this browser show notifications, even when no page of Bulkhead is open. Only the title is shown unless you allow more.',
  blocked:
    'This browser blocks notifications of this site. Allow them in its site settings, at the lock beside the address, then reload.',
  insecure: 'Browsers show notifications only of sites with https. Ask who runs this server to set it up.',
  unsupported:
    'This browser cannot be told. On an iPhone or iPad, add Bulkhead to the home screen first and open it from there.',
};

/** What the browser's push service does not answer to is the network's fault more often than ours. */
const subscribeFailed = 'The browser could not reach its push service. Check the connection and try again.';

export function ThisDevice() {
  const { user } = useSession();
  const queryClient = useQueryClient();
  const stateKey = ['push-state', user.id];
  const { data: state } = useQuery({ queryKey: stateKey, queryFn: () => readPushState(user.id), staleTime: Infinity });
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: stateKey }),
      queryClient.invalidateQueries({ queryKey: keyOf('GET /push-subscriptions') }),
    ]);
  const turnOn = useMutation({ mutationFn: () => enablePush(user.id), onSettled: refresh });
  const turnOff = useMutation({ mutationFn: turnOffHere, onSettled: refresh });
  return (
    <Card component="section" aria-labelledby="this-device">
      <Stack gap="sm" align="flex-start">
        <Title order={2} id="this-device">
          This device
        </Title>
        <Text size="sm" c="dimmed" role="status">
          {state ? sentences[state] : 'Looking at what this browser can do …'}
        </Text>
        <FormProblem error={describeFailure(turnOn.error ?? turnOff.error)} />
        <Group gap="xs">
          {state === 'off' ? (
            <Button
              leftSection={<IconBellRinging size={16} />}
              loading={turnOn.isPending}
              onClick={() => turnOn.mutate()}
            >
              Turn on
            </Button>
          ) : null}
          {state === 'on' ? (
            <Button
              variant="default"
              leftSection={<IconBellOff size={16} />}
              loading={turnOff.isPending}
              onClick={() => turnOff.mutate()}
            >
              Turn off
            </Button>
          ) : null}
        </Group>
      </Stack>
    </Card>
  );
}

/** The browser's end comes first: whatever the server then says, this device is silent. */
async function turnOffHere(): Promise<void> {
  await disablePush();
  const { items } = await pushApi('GET /push-subscriptions', { query: {} });
  const here = items.filter((device) => device.isThisSession);
  for (const { id } of here)
    await pushApi('DELETE /push-subscriptions/{subscriptionId}', { params: { subscriptionId: id } });
}

function describeFailure(error: unknown): unknown {
  return error instanceof DOMException ? new Error(subscribeFailed, { cause: error }) : error;
}
