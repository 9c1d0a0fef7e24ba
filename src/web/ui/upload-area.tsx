/** UploadArea takes files by drop, click or keyboard, checks them first, and shows each one's way up and its error. */
import { ActionIcon, Button, Progress, Text } from '@mantine/core';
import { IconFile, IconRefresh, IconUpload, IconX } from '@tabler/icons-react';
import { useId, useRef, useState, type DragEvent } from 'react';
import { formatBytes } from './format.ts';
import classes from './ui.module.css';
import { useUploads, type Upload, type UploadFile } from './use-uploads.ts';

interface UploadAreaProps {
  /** What may be uploaded, for people: `PDF, Markdown or text, up to 50 MB each`. */
  readonly hint: string;
  /** The `accept` of a file field: `.pdf,.md,.txt`. */
  readonly accept: string;
  readonly maxBytes: number;
  /** True when one file is all that is wanted. */
  readonly isSingle?: boolean;
  /** Sends one file; throws ApiProblem. Two run at a time. */
  readonly upload: UploadFile;
  /** Called after each file that arrived, to refresh the list. */
  readonly onUploaded?: () => void;
}

/** UploadArea keeps failed files listed with a retry; finished ones leave as the list of the page takes over. */
export function UploadArea({ hint, accept, maxBytes, isSingle = false, upload, onUploaded }: UploadAreaProps) {
  const { uploads, add, retry, remove } = useUploads({ accept, maxBytes, upload, onUploaded });
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const hintId = useId();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    add([...event.dataTransfer.files].slice(0, isSingle ? 1 : undefined));
  };
  return (
    <div>
      <div
        className={classes.dropArea}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <IconUpload size={24} stroke={1.5} />
        <Text size="sm">
          Drop {isSingle ? 'the file' : 'files'} here or{' '}
          <Button variant="light" size="compact-sm" aria-describedby={hintId} onClick={() => input.current?.click()}>
            {isSingle ? 'Choose a file' : 'Choose files'}
          </Button>
        </Text>
        <Text size="xs" c="dimmed" id={hintId}>
          {hint}
        </Text>
        <input
          ref={input}
          type="file"
          hidden
          multiple={!isSingle}
          accept={accept}
          onChange={(event) => {
            add([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = ''; // the same file may be chosen again
          }}
        />
      </div>
      {uploads.length > 0 ? (
        <ul className={classes.list} aria-label="Uploads" aria-live="polite">
          {uploads.map((item) => (
            <li key={item.id} className={classes.listItem}>
              <UploadRow item={item} onRetry={() => retry(item.id)} onRemove={() => remove(item.id)} />
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

interface UploadRowProps {
  readonly item: Upload;
  readonly onRetry: () => void;
  readonly onRemove: () => void;
}

function UploadRow({ item, onRetry, onRemove }: UploadRowProps) {
  const percent = Math.round(item.progress * 100);
  return (
    <div className={classes.row}>
      <span className={classes.rowIcon}>
        <IconFile size={20} stroke={1.5} />
      </span>
      <div className={classes.rowText}>
        <Text size="sm" truncate>
          {item.file.name}
        </Text>
        {item.error ? (
          <Text size="xs" c="var(--mantine-color-error)">
            {item.error}
          </Text>
        ) : (
          <Progress value={percent} size="sm" mt={6} aria-label={`Uploading ${item.file.name}`} />
        )}
      </div>
      <div className={classes.rowMeta}>{item.error ? formatBytes(item.file.size) : stateText(item, percent)}</div>
      <div className={classes.rowActions}>
        {item.canRetry ? (
          <ActionIcon aria-label={`Upload ${item.file.name} again`} onClick={onRetry}>
            <IconRefresh size={18} />
          </ActionIcon>
        ) : null}
        <ActionIcon
          aria-label={item.error ? `Dismiss ${item.file.name}` : `Cancel ${item.file.name}`}
          onClick={onRemove}
        >
          <IconX size={18} />
        </ActionIcon>
      </div>
    </div>
  );
}

function stateText(item: Upload, percent: number): string {
  if (item.state === 'waiting') return 'Waiting';
  return percent < 100 ? `${percent} % of ${formatBytes(item.file.size)}` : 'Checking…';
}
