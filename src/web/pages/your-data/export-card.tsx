/** "A copy of your data": asked for, made in the background with progress, downloaded while it lasts. */
import { Button, Card, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { keyOf, pagesOf, useCall } from '../../api-hooks.ts';
import { ApiProblem } from '../../api.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { FormProblem } from '../../ui/states.tsx';
import { CardHeader } from '../security/card-header.tsx';
import classes from './data.module.css';
import { ExportRow } from './export-row.tsx';
import { pollMilliseconds, privacyApi, type DataExport } from './privacy-api.ts';

const isUnderWay = ({ state }: DataExport) => state === 'queued' || state === 'running';

export function ExportCard() {
  const queryClient = useQueryClient();
  const exports = useInfiniteQuery({
    ...pagesOf(privacyApi, 'GET /exports'),
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isUnderWay)) ? pollMilliseconds : false,
  });
  const items = exports.data?.pages.flatMap((page) => page.items) ?? [];
  const refresh = () => queryClient.invalidateQueries({ queryKey: keyOf('GET /exports') });
  const make = useCall(privacyApi, 'POST /exports', { onSettled: refresh });
  const remove = useCall(privacyApi, 'DELETE /exports/{exportId}', {
    onSettled: refresh,
    onError: ({ message }) => notifications.show({ color: 'red', message }),
  });
  const isBusy = items.some(isUnderWay);
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader
          title="A copy of your data"
          action={
            <Button
              size="xs"
              loading={make.isPending}
              disabled={isBusy || exports.isPending}
              onClick={() => make.mutate({})}
            >
              Make a copy
            </Button>
          }
        >
          Everything here that is yours, in one ZIP file. It is made in the background: you can leave this page, and you
          are told when it is ready.
        </CardHeader>
        <Inside />
        <FormProblem error={isGivenUp(make.error) ? null : make.error} />
        <PagedList
          label="Copies of your data"
          pages={{ ...exports, items }}
          itemKey={({ id }) => id}
          empty={
            <Text size="sm" c="dimmed">
              No copy yet. Make one before you delete something for good, to move to another server, or just to see what
              is kept about you.
            </Text>
          }
          renderItem={(item) => (
            <ExportRow
              item={item}
              isRemoving={remove.isPending && remove.variables.params.exportId === item.id}
              onRemove={() => remove.mutate({ params: { exportId: item.id } })}
            />
          )}
        />
      </Stack>
    </Card>
  );
}

/** Who closes the dialog that asks who they are has changed their mind; that is no failure to show. */
function isGivenUp(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'STEP_UP_REQUIRED';
}

function Inside() {
  return (
    <details className={classes.details}>
      <summary>What is inside</summary>
      <ul>
        <li>Your account: profile, memberships, devices and ways to sign in, without passwords and keys</li>
        <li>Everything in your personal organisation, and in organisations that nobody else belongs to</li>
        <li>What is yours alone in organisations you share</li>
        <li>Your files and pictures, as you uploaded them</li>
        <li>Each table twice: as JSON for programs, as CSV for spreadsheets</li>
        <li>What can be brought back below, here or on another server</li>
      </ul>
      What you made for an organisation that others belong to is that organisation’s, and not inside.
    </details>
  );
}
