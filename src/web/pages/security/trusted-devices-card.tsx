/** Browsers that are not asked for the second step: shown only when there are any. */
import { Button, Card, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDeviceDesktop } from '@tabler/icons-react';
import { useCall, usePages } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { formatTime } from '../../ui/format.ts';
import { CardHeader } from './card-header.tsx';
import { factorsApi } from './security-api.ts';
import classes from './security.module.css';

export function TrustedDevicesCard({ onChange }: { readonly onChange: () => void }) {
  const devices = usePages(factorsApi, 'GET /trusted-devices');
  const onError = (error: Error) => notifications.show({ color: 'red', message: error.message });
  const forget = useCall(factorsApi, 'DELETE /trusted-devices/{trustedDeviceId}', { onSuccess: onChange, onError });
  const forgetAll = useCall(factorsApi, 'POST /trusted-devices/revoke-all', { onSuccess: onChange, onError });
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader
          title="Trusted browsers"
          action={
            devices.items.length > 1 ? (
              <Button size="xs" variant="default" loading={forgetAll.isPending} onClick={() => forgetAll.mutate({})}>
                Trust none
              </Button>
            ) : null
          }
        >
          They skip the second step for 30 days. A new password or a changed second step ends the trust.
        </CardHeader>
        <PagedList
          label="Trusted browsers"
          pages={devices}
          itemKey={(device) => device.id}
          empty={
            <Text size="sm" c="dimmed">
              Every sign-in is asked for the second step. Tick “Do not ask again” while signing in to trust a browser.
            </Text>
          }
          renderItem={(device) => (
            <DataRow
              icon={<IconDeviceDesktop size={22} stroke={1.5} />}
              title={device.device}
              description={`${device.address ?? 'Unknown address'} · trusted until ${formatTime(device.expiresAt)}`}
              meta={
                <span>
                  used <TimeAgo at={device.lastUsedAt} />
                </span>
              }
              actions={
                <Button
                  size="xs"
                  variant="default"
                  aria-label={`Trust ${device.device} no longer`}
                  loading={forget.isPending && forget.variables.params.trustedDeviceId === device.id}
                  onClick={() => forget.mutate({ params: { trustedDeviceId: device.id } })}
                >
                  End
                </Button>
              }
            />
          )}
        />
      </Stack>
    </Card>
  );
}
