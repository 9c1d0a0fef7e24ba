/** Settings: by which ways one is told of what, and on which devices. */
import { Alert, Card, Checkbox, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf, useCall } from '../../api-hooks.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { DeviceList } from './device-list.tsx';
import { notificationsApi, summaryQuery, type NotificationSetting } from './notifications-api.ts';
import classes from './notifications.module.css';
import { ThisDevice } from './this-device.tsx';

const settingsQuery = queryOf(notificationsApi, 'GET /notification-settings');

export default function NotificationSettingsPage() {
  return (
    <div className={classes.page}>
      <PageHeader
        title="Notification settings"
        description="How you are told of what happens in this organisation. Nobody else sees this."
      />
      <Stack gap="lg">
        <KindsCard />
        <ThisDevice />
        <DeviceList />
      </Stack>
    </div>
  );
}

const mailHints = {
  ready: null,
  kept: 'This server has no mail server yet, so mail stays in its outbox. Who runs the server can set MAIL_SMTP_URL.',
  unconfirmed: 'Your e-mail address is not confirmed yet, so nothing is sent there. Confirm it in your profile.',
} as const;

function KindsCard() {
  const { data, error, isPending, refetch } = useQuery(settingsQuery);
  const queryClient = useQueryClient();
  // What was just clicked shows at once; when the server has answered, its word counts.
  const [clicked, setClicked] = useState<Readonly<Record<string, NotificationSetting>>>({});
  const change = useCall(notificationsApi, 'PUT /notification-settings', {
    onSettled: async (_answer, _error, { body }) => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: settingsQuery.queryKey }),
        queryClient.invalidateQueries({ queryKey: summaryQuery.queryKey }),
      ]);
      setClicked(({ [body.kind]: _settled, ...others }) => others);
    },
  });
  const onChange = (setting: NotificationSetting) => {
    const { kind, inApp, mail, push } = setting;
    setClicked((others) => ({ ...others, [kind]: setting }));
    change.mutate({ body: { kind, inApp, mail, push } });
  };
  if (isPending) return <LoadingRows rows={2} height={72} />;
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  const shown = data.settings.map((setting) => clicked[setting.kind] ?? setting);
  const hint = mailHints[data.mailState];
  return (
    <Card component="section" aria-labelledby="kinds">
      <Stack gap="sm">
        <Title order={2} id="kinds">
          What you are told of
        </Title>
        <KindsTable settings={shown} onChange={onChange} />
        <FormProblem error={change.error} />
        {hint ? (
          <Alert color="gray" icon={<IconInfoCircle size={18} />} py="xs">
            <Text size="sm">{hint}</Text>
          </Alert>
        ) : null}
      </Stack>
    </Card>
  );
}

const ways = [
  { name: 'inApp', label: 'In the app' },
  { name: 'mail', label: 'Mail' },
  { name: 'push', label: 'Devices' },
] as const;

interface KindsTableProps {
  readonly settings: readonly NotificationSetting[];
  readonly onChange: (setting: NotificationSetting) => void;
}

function KindsTable({ settings, onChange }: KindsTableProps) {
  return (
    <table className={classes.kinds}>
      <thead>
        <tr>
          <th scope="col">
            <VisuallyHidden>Kind</VisuallyHidden>
          </th>
          {ways.map(({ name, label }) => (
            <th key={name} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {settings.map((setting) => (
          <tr key={setting.kind}>
            <th scope="row">
              <div className={classes.kindTitle}>{setting.title}</div>
              {setting.description ? <div className={classes.kindText}>{setting.description}</div> : null}
            </th>
            {ways.map(({ name, label }) => (
              <td key={name}>
                <label className={classes.way}>
                  <Checkbox
                    size="md"
                    checked={setting[name]}
                    aria-label={`${setting.title}: ${label}`}
                    onChange={(event) => onChange({ ...setting, [name]: event.currentTarget.checked })}
                  />
                  <span className={classes.wayName} aria-hidden>
                    {label}
                  </span>
                </label>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
