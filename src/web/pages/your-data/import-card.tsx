/** "Bring data back": an archive is uploaded, read in the background, and what became of each kind of thing is shown. */
import { ActionIcon, Button, Card, Progress, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconFileZip, IconTrash } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { keyOf, pagesOf, queryOf, useCall } from '../../api-hooks.ts';
import { useSession } from '../../session.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { formatBytes, formatLimit, formatTime } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { UploadArea } from '../../ui/upload-area.tsx';
import { CardHeader } from '../security/card-header.tsx';
import classes from './data.module.css';
import { JobProgress } from './job-progress.tsx';
import { pollMilliseconds, privacyApi, type DataImport } from './privacy-api.ts';
import { uploadArchive } from './upload-archive.ts';

const isUnderWay = ({ state }: DataImport) => state === 'queued' || state === 'running';

/** Shown until the answer is there, and the server decides anyway. */
const usualMaxBytes = 4_096 * 1_048_576;

export function ImportCard() {
  const { organisation } = useSession();
  const limits = useQuery({ ...queryOf(privacyApi, 'GET /import-limits'), staleTime: Infinity });
  const maxBytes = limits.data?.archiveMaxBytes ?? usualMaxBytes;
  const queryClient = useQueryClient();
  const imports = useInfiniteQuery({
    ...pagesOf(privacyApi, 'GET /imports'),
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isUnderWay)) ? pollMilliseconds : false,
  });
  const items = imports.data?.pages.flatMap((page) => page.items) ?? [];
  const refresh = () => queryClient.invalidateQueries({ queryKey: keyOf('GET /imports') });
  const remove = useCall(privacyApi, 'DELETE /imports/{importId}', {
    onSettled: refresh,
    onError: ({ message }) => notifications.show({ color: 'red', message }),
  });
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader title="Bring data back">
          Upload a copy that was made here or on another server of this kind. What it holds comes into{' '}
          {organisation.isPersonal ? 'your personal organisation' : <strong>{organisation.name}</strong>}, beside what
          is there: nothing is overwritten, and an archive brought in again makes no doubles.
        </CardHeader>
        {items.some(isUnderWay) ? null : (
          <UploadArea
            isSingle
            hint={`One ZIP file, up to ${formatLimit(maxBytes)}. If the line breaks, the upload goes on where it was.`}
            accept=".zip"
            maxBytes={maxBytes}
            upload={uploadArchive}
            onUploaded={() => void refresh()}
          />
        )}
        <PagedList
          label="Archives brought back"
          pages={{ ...imports, items }}
          itemKey={({ id }) => id}
          empty={null}
          renderItem={(item) => (
            <ImportRow
              item={item}
              isRemoving={remove.isPending && remove.variables.params.importId === item.id}
              onRemove={() => remove.mutate({ params: { importId: item.id } })}
            />
          )}
        />
      </Stack>
    </Card>
  );
}

interface ImportRowProps {
  readonly item: DataImport;
  readonly isRemoving: boolean;
  readonly onRemove: () => void;
}

function ImportRow({ item, isRemoving, onRemove }: ImportRowProps) {
  const isOver = item.state === 'done' || item.state === 'failed';
  const name = `${item.filename || 'the archive'} of ${formatTime(item.createdAt)}`;
  return (
    <>
      <DataRow
        icon={<IconFileZip size={22} stroke={1.5} />}
        title={
          <>
            {item.filename ? `${item.filename} · ` : ''}
            {formatTime(item.createdAt)} <StateBadge item={item} />
          </>
        }
        description={item.state === 'failed' ? null : <Progressing item={item} />}
        below={item.state === 'failed' ? failureText(item.errorCode) : null}
        actions={
          isOver ? (
            <ActionIcon aria-label={`Take ${name} off the list`} loading={isRemoving} onClick={onRemove}>
              <IconTrash size={18} />
            </ActionIcon>
          ) : (
            <Button size="xs" variant="default" loading={isRemoving} onClick={onRemove} aria-label={`Cancel ${name}`}>
              Cancel
            </Button>
          )
        }
      />
      {isOver && item.results.length > 0 ? <Results item={item} /> : null}
    </>
  );
}

function StateBadge({ item: { state, results } }: { readonly item: DataImport }) {
  if (state === 'receiving') return <StatusBadge tone="working">Arriving</StatusBadge>;
  if (state === 'queued') return <StatusBadge tone="working">Waiting</StatusBadge>;
  if (state === 'running') return <StatusBadge tone="working">Being read</StatusBadge>;
  if (state === 'failed') return <StatusBadge tone="bad">Failed</StatusBadge>;
  const isPartial = results.some(({ skipped }) => skipped > 0);
  return isPartial ? <StatusBadge tone="warning">Partly</StatusBadge> : <StatusBadge tone="good">Done</StatusBadge>;
}

function doneText({ results }: DataImport): string {
  const sum = (of: 'imported' | 'present' | 'skipped') => results.reduce((total, set) => total + set[of], 0);
  if (sum('imported') > 0) return `${sum('imported').toLocaleString()} brought back`;
  if (sum('present') > 0) return 'All of it was brought back before.';
  return sum('skipped') > 0 ? 'Nothing of it could be brought back.' : 'There was nothing in it to bring back.';
}

function Arriving({ item: { receivedBytes, sizeBytes } }: { readonly item: DataImport }) {
  const all = sizeBytes ?? 0;
  return (
    <>
      <Progress
        value={all > 0 ? (100 * receivedBytes) / all : 0}
        size="sm"
        my={6}
        aria-label="Arrived of the archive"
      />
      <Text size="xs" c="dimmed">
        {formatBytes(receivedBytes)} of {formatBytes(all)} have arrived. If the upload has stopped, choose the same file
        again: it goes on from there.
      </Text>
    </>
  );
}

function Progressing({ item }: { readonly item: DataImport }) {
  if (item.state === 'receiving') return <Arriving item={item} />;
  if (item.state === 'done') return <>{doneText(item)}</>;
  return <JobProgress label="Reading the archive" percent={item.progressPercent} isWaiting={item.state === 'queued'} />;
}

function Results({ item }: { readonly item: DataImport }) {
  const reasons = byTitle(item.results).flatMap(({ title, problems }) => problems.map((text) => ({ title, text })));
  return (
    <div className={classes.results}>
      <Table aria-label={`What came back on ${formatTime(item.createdAt)}`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Kind</Table.Th>
            <Table.Th className={classes.number}>New</Table.Th>
            <Table.Th className={classes.number}>Already here</Table.Th>
            <Table.Th className={classes.number}>Left out</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {byTitle(item.results).map(({ title, imported, present, skipped }) => (
            <Table.Tr key={title}>
              <Table.Td>{title}</Table.Td>
              <Table.Td className={classes.number}>{imported.toLocaleString()}</Table.Td>
              <Table.Td className={classes.number}>{present.toLocaleString()}</Table.Td>
              <Table.Td className={classes.number}>{skipped.toLocaleString()}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {reasons.length > 0 ? (
        <div className={classes.reasons}>
          Why something was left out:
          <ul>
            {reasons.map(({ title, text }) => (
              <li key={`${title} ${text}`}>
                {title}: {text}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}

function byTitle(results: DataImport['results']) {
  return results.toSorted((a, b) => a.title.localeCompare(b.title));
}

function failureText(code: string | null): string {
  if (code === 'ARCHIVE_UNREADABLE')
    return 'This is no archive of this kind of server, or it is damaged. Upload the ZIP file as you downloaded it.';
  if (code === 'ARCHIVE_NEWER')
    return 'It was made by a newer version of this program. Ask whoever runs this server to update it, then upload the archive again.';
  if (code === 'STORAGE_FULL')
    return 'The server has no room left for it. Tell whoever runs it, then upload the archive again: what has come in stays.';
  if (code === 'ARCHIVE_TOO_LARGE')
    return 'This archive holds more than can be read here. Ask whoever runs this server.';
  return `Something went wrong (${code ?? 'INTERNAL'}). Upload the archive again; if that fails too, tell whoever runs this server.`;
}
