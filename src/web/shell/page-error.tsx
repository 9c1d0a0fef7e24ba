/** PageError stands in for a page that cannot be shown and says what to do: wait, ask somebody, load anew, or report it. */
import { Button, Group } from '@mantine/core';
import { IconLock, IconPlugConnectedX, IconRefresh, IconVersions } from '@tabler/icons-react';
import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { useEffect, useEffectEvent, useState, type ReactNode } from 'react';
import type { ApiProblem } from '../api.ts';
import { connectionOf, probe, useConnection } from '../connection.ts';
import { PageHeader } from '../ui/page-header.tsx';
import { EmptyState, ErrorState } from '../ui/states.tsx';
import { numbered, pageNotLoaded } from './page-problem.ts';

/** PageError has its own place, because a page that fills the window leaves no room around what stands in for it. */
export function PageError(props: ErrorComponentProps) {
  return (
    <div data-page-error>
      <Problem {...props} />
    </div>
  );
}

function Problem({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const queries = useQueryErrorResetBoundary();
  const [problem] = useState(() => numbered(error));
  const retry = () => {
    queries.reset();
    reset();
    void router.invalidate();
  };
  const home = (
    <Button variant="default" onClick={() => void router.navigate({ to: '/' })}>
      Go home
    </Button>
  );
  if (problem.code === pageNotLoaded) return <NotLoaded home={home} />;
  if (problem.status === 403) return <Forbidden problem={problem} home={home} />;
  if (connectionOf(problem) !== 'fine') return <Away problem={problem} onRetry={retry} />;
  return (
    <>
      <PageHeader title="This page could not be shown" />
      <ErrorState error={problem} title="What happened" onRetry={retry} actions={home} />
    </>
  );
}

function Forbidden({ problem, home }: { readonly problem: ApiProblem; readonly home: ReactNode }) {
  return (
    <>
      <PageHeader title="Not for your role" />
      <EmptyState icon={IconLock} title="You may not open this page" action={home}>
        {problem.message} An owner or an admin of the organisation can give you another role; Members, in the settings,
        shows who they are. If you work in several organisations, you may be in the wrong one.
      </EmptyState>
    </>
  );
}

const pauseMilliseconds = 3_000;

/** Away is for a page that had not begun when the server went away: it begins as soon as the server is back. */
function Away({ problem, onRetry }: { readonly problem: ApiProblem; readonly onRetry: () => void }) {
  const connection = useConnection();
  const retry = useEffectEvent(onRetry);
  useEffect(() => {
    if (connection === 'fine') retry();
    const timer = setInterval(() => void probe(), pauseMilliseconds);
    return () => clearInterval(timer);
  }, [connection]);
  const isStarting = connectionOf(problem) === 'starting';
  return (
    <>
      <PageHeader title={isStarting ? 'The server is starting' : 'The server cannot be reached'} />
      <EmptyState
        icon={IconPlugConnectedX}
        title={isStarting ? 'In a moment' : 'No answer'}
        action={
          <Button leftSection={<IconRefresh size={16} />} onClick={onRetry}>
            Try again
          </Button>
        }
      >
        {isStarting
          ? 'It is starting or very busy. This page opens by itself once it is ready.'
          : 'Check your connection, or ask who runs the server. This page opens by itself once there is an answer.'}
      </EmptyState>
    </>
  );
}

/** NotLoaded is for a part of the app that did not come: the connection broke, or the server has a newer version. */
function NotLoaded({ home }: { readonly home: ReactNode }) {
  const connection = useConnection();
  useEffect(() => void probe(), []);
  return (
    <>
      <PageHeader title="This page did not load" />
      <EmptyState
        icon={IconVersions}
        title={connection === 'fine' ? 'Load the app anew' : 'The connection broke'}
        action={
          <Group gap="xs" justify="center">
            <Button leftSection={<IconRefresh size={16} />} onClick={() => void reloadOnceReachable()}>
              Load anew
            </Button>
            {home}
          </Group>
        }
      >
        {connection === 'fine'
          ? 'The server has probably been updated since this tab was opened. Loading anew brings the version it has now.'
          : 'The page could not be fetched. Loading anew works once the server can be reached.'}
      </EmptyState>
    </>
  );
}

/** Without a server, loading anew would leave a page of the browser's own. */
async function reloadOnceReachable(): Promise<void> {
  const response = await fetch('/api/v1/setup', { cache: 'no-store' }).catch(() => null);
  if (response) location.reload();
  else await probe();
}
