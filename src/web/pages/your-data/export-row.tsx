/** ExportRow is one copy: how far it is, how long it can be downloaded, or why it failed and what to do. */
import { ActionIcon, Button, Text } from '@mantine/core';
import { IconDownload, IconFileZip, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { apiRoot } from '../../api.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { formatBytes, formatTime } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status-badge.tsx';
import classes from './data.module.css';
import { JobProgress } from './job-progress.tsx';
import type { DataExport } from './privacy-api.ts';

interface ExportRowProps {
  readonly item: DataExport;
  readonly isRemoving: boolean;
  readonly onRemove: () => void;
}

export function ExportRow({ item, isRemoving, onRemove }: ExportRowProps) {
  const [isAsking, setAsking] = useState(false);
  const name = `the copy of ${formatTime(item.createdAt)}`;
  const isReady = item.state === 'ready';
  const isUnderWay = !isReady && item.state !== 'failed';
  return (
    <>
      <div className={classes.copy}>
        <IconFileZip size={22} stroke={1.5} className={classes.copyIcon} aria-hidden />
        <div className={classes.copyText}>
          <Title item={item} />
          <State item={item} />
        </div>
        <div className={classes.copyActions}>
          {isReady ? (
            <Button
              component="a"
              href={`${apiRoot}/exports/${item.id}/archive`}
              download
              size="xs"
              variant="light"
              leftSection={<IconDownload size={16} />}
              aria-label={`Download ${name}`}
            >
              Download
            </Button>
          ) : null}
          {isUnderWay ? (
            <Button size="xs" variant="default" loading={isRemoving} onClick={onRemove} aria-label={`Cancel ${name}`}>
              Cancel
            </Button>
          ) : (
            <ActionIcon
              aria-label={`Delete ${name}`}
              loading={isRemoving}
              onClick={() => (isReady ? setAsking(true) : onRemove())}
            >
              <IconTrash size={18} />
            </ActionIcon>
          )}
        </div>
      </div>
      <ConfirmDialog
        isOpen={isAsking}
        title="Delete this copy?"
        confirmLabel="Delete the copy"
        isBusy={isRemoving}
        onConfirm={() => {
          setAsking(false);
          onRemove();
        }}
        onClose={() => setAsking(false)}
      >
        The archive of {formatTime(item.createdAt)} is deleted from the server. Your data stays as it is, and you can
        make a new copy.
      </ConfirmDialog>
    </>
  );
}

const badges = {
  queued: { tone: 'working', text: 'Waiting' },
  running: { tone: 'working', text: 'Being made' },
  ready: { tone: 'good', text: 'Ready' },
  failed: { tone: 'bad', text: 'Failed' },
} as const;

function Title({ item }: { readonly item: DataExport }) {
  const { tone, text } = badges[item.state];
  return (
    <div className={classes.copyTitle}>
      {formatTime(item.createdAt)} <StatusBadge tone={tone}>{text}</StatusBadge>
    </div>
  );
}

function State({ item }: { readonly item: DataExport }) {
  if (item.state === 'failed')
    return (
      <Text size="sm" c="dimmed">
        {failureText(item.errorCode)}
      </Text>
    );
  if (item.state === 'ready')
    return (
      <Text size="sm" c="dimmed">
        {item.sizeBytes === null ? '' : `${formatBytes(item.sizeBytes)} · `}
        {item.expiresAt ? `deleted by itself on ${formatTime(item.expiresAt)}` : ''}
      </Text>
    );
  return <JobProgress label="Making the copy" percent={item.progressPercent} isWaiting={item.state === 'queued'} />;
}

function failureText(code: string | null): string {
  if (code === 'STORAGE_FULL')
    return 'The server has no room left for it. Tell whoever runs this server, then make a new copy.';
  if (code === 'PAYLOAD_TOO_LARGE')
    return 'Your data is more than one archive may hold. Ask whoever runs this server for it.';
  return `Something went wrong (${code ?? 'INTERNAL'}). Make a new copy; if that fails too, tell whoever runs this server.`;
}
