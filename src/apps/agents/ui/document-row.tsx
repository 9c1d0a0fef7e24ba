/** DocumentRow shows one document: how far it has been read, or the sentence that says what is wrong and what to do. */
import { ActionIcon, Button, Progress, Text } from '@mantine/core';
import { IconFileText, IconFileTypePdf, IconListSearch, IconMarkdown, IconTrash } from '@tabler/icons-react';
import { useCall } from '#web/api-hooks.ts';
import { DataRow, formatAgo, formatBytes, StatusBadge, type IconType } from '#web/ui/index.ts';
import { agentsApi, count, type Document } from './agents-api.ts';
import classes from './agents.module.css';

interface DocumentRowProps {
  readonly document: Document;
  readonly mayWrite: boolean;
  readonly onOpen: () => void;
  readonly onDelete: () => void;
  readonly onChanged: () => void;
}

const icons: Record<Document['contentType'], IconType> = {
  'application/pdf': IconFileTypePdf,
  'text/markdown': IconMarkdown,
  'text/plain': IconFileText,
};

export function DocumentRow({ document, mayWrite, onOpen, onDelete, onChanged }: DocumentRowProps) {
  const Icon = icons[document.contentType];
  const retry = useCall(agentsApi, 'POST /documents/{documentId}/retry', { onSettled: onChanged });
  const problem = retry.error?.message ?? document.error?.detail;
  return (
    <DataRow
      icon={<Icon size={22} stroke={1.5} />}
      title={document.filename}
      description={document.error ? null : <Facts document={document} />}
      meta={<Reading document={document} />}
      below={problem ? <span className={classes.documentError}>{problem}</span> : null}
      actions={
        <>
          {document.state === 'ready' ? <OpenPassages filename={document.filename} onOpen={onOpen} /> : null}
          {document.state === 'failed' && document.error?.isRetryable && mayWrite ? (
            <Button
              size="xs"
              variant="default"
              loading={retry.isPending}
              onClick={() => retry.mutate({ params: { documentId: document.id } })}
              aria-label={`Read ${document.filename} again`}
            >
              Try again
            </Button>
          ) : null}
          {mayWrite ? (
            <ActionIcon aria-label={`Delete ${document.filename}`} onClick={onDelete}>
              <IconTrash size={18} />
            </ActionIcon>
          ) : null}
        </>
      }
    />
  );
}

/** OpenPassages is a word where there is room, and an icon on a phone: the name of the file needs the place. */
function OpenPassages({ filename, onOpen }: { readonly filename: string; readonly onOpen: () => void }) {
  const label = `Passages of ${filename}`;
  return (
    <>
      <Button size="xs" variant="default" className={classes.onlyWide} aria-label={label} onClick={onOpen}>
        Passages
      </Button>
      <ActionIcon className={classes.onlyNarrow} aria-label={label} onClick={onOpen}>
        <IconListSearch size={20} />
      </ActionIcon>
    </>
  );
}

function Facts({ document }: { readonly document: Document }) {
  const facts = [
    formatBytes(document.sizeBytes),
    document.pageCount === null ? '' : count(document.pageCount, 'page'),
    document.state === 'ready' ? count(document.passageCount, 'passage') : '',
    `added ${formatAgo(document.createdAt)}`,
  ];
  return <>{facts.filter(Boolean).join(' · ')}</>;
}

function Reading({ document }: { readonly document: Document }) {
  if (document.state === 'ready') return <StatusBadge tone="good">Ready</StatusBadge>;
  if (document.state === 'failed') return <StatusBadge tone="bad">Not read</StatusBadge>;
  return (
    <div className={classes.reading}>
      <Text size="xs">{document.state === 'queued' ? 'Waiting to be read' : `Reading, ${document.progress} %`}</Text>
      <Progress value={document.progress} size="sm" mt={4} aria-label={`Reading ${document.filename}`} />
    </div>
  );
}
