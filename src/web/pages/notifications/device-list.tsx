/** DeviceList shows where one is told by Web Push: a test for each, whether it may show the text, and the way out. */
import { ActionIcon, Button, Group, Menu, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDeviceDesktop, IconDeviceMobile, IconDots } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { pushApi, type PushDevice } from '../../push.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';

export function DeviceList() {
  const devices = usePages(pushApi, 'GET /push-subscriptions');
  if (devices.isSuccess && devices.items.length === 0) return null;
  return (
    <section aria-labelledby="devices">
      <Title order={2} id="devices" mb="xs">
        Your devices
      </Title>
      <PagedList
        label="Your devices"
        pages={devices}
        itemKey={(device) => device.id}
        empty={null}
        renderItem={(device) => <DeviceRow device={device} />}
      />
    </section>
  );
}

const results = {
  sent: { color: 'teal', message: 'Sent. It should show up on the device in a moment.' },
  gone: { color: 'yellow', message: 'This device does not listen any more and was taken off the list.' },
  failed: { color: 'red', message: 'The message did not get there.' },
} as const;

function DeviceRow({ device }: { readonly device: PushDevice }) {
  const { id, allowsText, isThisSession } = device;
  const isPhone = /iphone|ipad|android/i.test(device.device);
  const queryClient = useQueryClient();
  const onSettled = () => queryClient.invalidateQueries({ queryKey: keyOf('GET /push-subscriptions') });
  const onError = (error: Error) => notifications.show({ color: 'red', message: error.message });
  const params = { subscriptionId: id };
  const update = useCall(pushApi, 'PATCH /push-subscriptions/{subscriptionId}', { onSettled, onError });
  const remove = useCall(pushApi, 'DELETE /push-subscriptions/{subscriptionId}', { onSettled, onError });
  const test = useCall(pushApi, 'POST /push-subscriptions/{subscriptionId}/test', {
    onSettled,
    onError,
    onSuccess: ({ outcome, reason }) => {
      const { color, message } = results[outcome];
      notifications.show({ color, message: reason ? `${message} ${reason}` : message });
    },
  });
  return (
    <DataRow
      icon={isPhone ? <IconDeviceMobile size={22} stroke={1.5} /> : <IconDeviceDesktop size={22} stroke={1.5} />}
      title={device.device}
      description={<DeviceFacts device={device} />}
      meta={isThisSession ? <StatusBadge tone="good">This device</StatusBadge> : null}
      actions={
        <Group gap={4} wrap="nowrap">
          <Button
            size="xs"
            variant="default"
            loading={test.isPending}
            aria-label={`Send a test to ${device.device}`}
            onClick={() => test.mutate({ params })}
          >
            Test
          </Button>
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <ActionIcon aria-label={`More for ${device.device}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => update.mutate({ params, body: { allowsText: !allowsText } })}>
                {allowsText ? 'Show only the title' : 'Show the text too'}
              </Menu.Item>
              <Menu.Item color="red" onClick={() => remove.mutate({ params })}>
                Remove
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      }
    />
  );
}

function DeviceFacts({ device }: { readonly device: PushDevice }) {
  const { allowsText, createdAt, lastError, lastSentAt } = device;
  return (
    <>
      {allowsText ? 'Shows title and text' : 'Shows the title only'} · {lastSentAt ? 'last told' : 'added'}{' '}
      <TimeAgo at={lastSentAt ?? createdAt} />
      {lastError ? (
        <Text span size="sm" c="red" display="block">
          {lastError}
        </Text>
      ) : null}
    </>
  );
}
