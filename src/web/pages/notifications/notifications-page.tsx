/** What one should know, newest first: opening one marks it read and leads to what it is about. */
import { Button, SegmentedControl } from '@mantine/core';
import { IconBell, IconChecks, IconSettings } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, FormProblem } from '../../ui/states.tsx';
import { NotificationRow } from './notification-row.tsx';
import { notificationsApi, summaryQuery } from './notifications-api.ts';
import classes from './notifications.module.css';

type State = 'all' | 'unread';

export default function NotificationsPage() {
  const [state, setState] = useState<State>('all');
  const list = usePages(notificationsApi, 'GET /notifications', { query: { state } });
  const queryClient = useQueryClient();
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: keyOf('GET /notifications') }),
      queryClient.invalidateQueries({ queryKey: summaryQuery.queryKey }),
    ]);
  const markOne = useCall(notificationsApi, 'POST /notifications/{notificationId}/read', { onSuccess: refresh });
  const markAll = useCall(notificationsApi, 'POST /notifications/read-all', { onSuccess: refresh });
  const newest = list.items[0]?.id;
  const hasUnread = list.items.some((item) => !item.isRead);
  return (
    <div className={classes.page}>
      <PageHeader
        title="Notifications"
        description="What happened in this organisation that concerns you."
        actions={
          <Button
            variant="default"
            leftSection={<IconChecks size={16} />}
            disabled={!hasUnread}
            loading={markAll.isPending}
            // What came since the list was loaded has not been seen, and stays unread.
            onClick={() => markAll.mutate({ body: newest ? { until: newest } : {} })}
          >
            Mark all as read
          </Button>
        }
      />
      <div className={classes.bar}>
        <SegmentedControl
          aria-label="Which notifications"
          value={state}
          onChange={(value) => setState(value as State)}
          data={[
            { value: 'all', label: 'All' },
            { value: 'unread', label: 'Unread' },
          ]}
        />
        <Link to="/settings/notifications" className={classes.settingsLink}>
          <IconSettings size={16} stroke={1.6} /> How you are told
        </Link>
      </div>
      <FormProblem error={markAll.error ?? markOne.error} />
      <PagedList
        label="Notifications"
        pages={list}
        itemKey={(item) => item.id}
        empty={<NothingHere state={state} />}
        renderItem={(item) => (
          <NotificationRow
            item={item}
            onRead={() => item.isRead || markOne.mutate({ params: { notificationId: item.id } })}
          />
        )}
      />
    </div>
  );
}

function NothingHere({ state }: { readonly state: State }) {
  if (state === 'unread')
    return (
      <EmptyState icon={IconChecks} title="All read">
        Whatever comes next shows up here, and as a figure at the bell.
      </EmptyState>
    );
  return (
    <EmptyState
      icon={IconBell}
      title="Nothing yet"
      action={
        <Button component={Link} to="/settings/notifications" variant="default">
          Choose how you are told
        </Button>
      }
    >
      News that concerns you is listed here. You can also have it sent to your devices and by mail.
    </EmptyState>
  );
}
