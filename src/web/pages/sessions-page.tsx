/** Settings: where one is signed in, and ending what one does not recognise. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDeviceDesktop, IconDeviceMobile, IconDevices } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../api-hooks.ts';
import { TimeAgo } from '../ui/time-ago.tsx';
import type { ItemOf } from '../api.ts';
import type { authContract } from '../../kernel/auth/contract.ts';
import { authApi } from '../session.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { DataRow, PagedList } from '../ui/data-list.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { EmptyState } from '../ui/states.tsx';
import { StatusBadge } from '../ui/status-badge.tsx';
import classes from './pages.module.css';

type SessionRow = ItemOf<(typeof authContract)['GET /sessions']>;

export default function SessionsPage() {
  const sessions = usePages(authApi, 'GET /sessions');
  const queryClient = useQueryClient();
  const [isConfirming, setConfirming] = useState(false);
  const refresh = () => queryClient.invalidateQueries({ queryKey: keyOf('GET /sessions') });
  const revoke = useCall(authApi, 'DELETE /sessions/{sessionId}', {
    onSuccess: async () => {
      notifications.show({ message: 'The session has ended. Whoever used it has to sign in again.' });
      await refresh();
    },
    onError: (error) => notifications.show({ color: 'red', message: error.message }),
  });
  const revokeOthers = useCall(authApi, 'POST /sessions/revoke-others', {
    onSuccess: async ({ revoked }) => {
      setConfirming(false);
      notifications.show({ message: revoked === 1 ? 'One session has ended.' : `${revoked} sessions have ended.` });
      await refresh();
    },
  });
  const hasOthers = sessions.items.some((session) => !session.isCurrent);
  // One's own stands first: what follows is what one should know again.
  const items = sessions.items.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
  return (
    <div className={classes.narrow}>
      <PageHeader
        title="Sessions"
        description="Every browser, app and program where you are signed in. End what you do not recognise, then change your password."
        actions={
          <Button variant="default" disabled={!hasOthers} onClick={() => setConfirming(true)}>
            Sign out everywhere else
          </Button>
        }
      />
      <PagedList
        label="Sessions"
        pages={{ ...sessions, items }}
        itemKey={(session) => session.id}
        empty={
          <EmptyState icon={IconDevices} title="No sessions">
            You are signed in nowhere.
          </EmptyState>
        }
        renderItem={(session) => (
          <SessionLine
            session={session}
            isBusy={revoke.isPending && revoke.variables.params.sessionId === session.id}
            onRevoke={() => revoke.mutate({ params: { sessionId: session.id } })}
          />
        )}
      />
      <ConfirmDialog
        isOpen={isConfirming}
        title="Sign out everywhere else?"
        confirmLabel="Sign out the others"
        isBusy={revokeOthers.isPending}
        error={revokeOthers.error}
        onConfirm={() => revokeOthers.mutate({})}
        onClose={() => setConfirming(false)}
      >
        All sessions but this one end at once. Whoever uses them has to sign in again.
      </ConfirmDialog>
    </div>
  );
}

interface SessionLineProps {
  readonly session: SessionRow;
  readonly isBusy: boolean;
  readonly onRevoke: () => void;
}

function SessionLine({ session, isBusy, onRevoke }: SessionLineProps) {
  const isPhone = session.kind === 'device' || /iphone|android|mobile|ipad/i.test(session.device);
  return (
    <DataRow
      icon={isPhone ? <IconDeviceMobile size={22} stroke={1.5} /> : <IconDeviceDesktop size={22} stroke={1.5} />}
      title={session.device}
      description={
        <>
          {session.kind === 'device' ? 'App or program · ' : ''}
          {session.address ?? 'Unknown address'} · signed in <TimeAgo at={session.createdAt} />
        </>
      }
      meta={
        session.isCurrent ? (
          <StatusBadge tone="good">This device</StatusBadge>
        ) : (
          <span>
            used <TimeAgo at={session.lastUsedAt} />
          </span>
        )
      }
      actions={
        session.isCurrent ? null : (
          <Button
            size="xs"
            variant="default"
            loading={isBusy}
            onClick={onRevoke}
            aria-label={`End session ${session.device}`}
          >
            End
          </Button>
        )
      }
    />
  );
}
