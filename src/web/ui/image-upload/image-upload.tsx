/** ImageUpload takes a picture by click, drop, paste or camera, lets people crop it, makes it small and shows its way up. */
import { Button, Group, Loader, Progress, Text } from '@mantine/core';
import { IconCamera, IconPhotoUp, IconRefresh, IconTrash } from '@tabler/icons-react';
import { lazy, Suspense, useEffect, useId, useRef, useState, type DragEvent, type ReactNode } from 'react';
import { formatBytes, formatLimit } from '../format.ts';
import type { UploadFile } from '../use-uploads.ts';
import classes from './image-upload.module.css';
import { useImageUpload, type UploadStage } from './use-image-upload.ts';

/** Phones turn their own formats into JPEG when these are all that is asked for. */
const accept = 'image/jpeg,image/png,image/webp';
const CropDialog = lazy(() => import('./crop-dialog.tsx'));

export interface ImageUploadProps {
  /** What the picture is, for the buttons: `picture`. */
  readonly noun?: string;
  /** The picture as it is shown now, or what stands in for it. */
  readonly preview: ReactNode;
  /** Whether there is one to replace or remove. */
  readonly hasPicture: boolean;
  /** Width by height of the frame; absent: any shape. */
  readonly aspect?: number;
  readonly isRound?: boolean;
  /** Pixels of the longer edge that the server keeps; told to people. */
  readonly maxEdge: number;
  /** Pixels of the longer edge that are sent, where fewer do. */
  readonly sentEdge?: number;
  readonly maxBytes: number;
  /** Below this a picture looks blurred where it is shown. Default 96. */
  readonly goodEdge?: number;
  /** Sends the file; throws ApiProblem. */
  readonly upload: UploadFile;
  readonly onRemove?: () => void;
  readonly isRemoving?: boolean;
}

/** ImageUpload keeps a file that failed on its way, to send it again. Refusals say what to choose instead. */
export function ImageUpload(props: ImageUploadProps) {
  const { preview, aspect, isRound, maxEdge, sentEdge = maxEdge, maxBytes, goodEdge = 96 } = props;
  const { stage, choose, start, cancel } = useImageUpload(props.upload);
  const [isOver, setOver] = useState(false);
  const hintId = useId();
  usePaste(choose);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) choose(file);
  };
  return (
    <div
      className={classes.area}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className={classes.preview}>{preview}</div>
      <div className={classes.controls}>
        <Choices {...props} stage={stage} hintId={hintId} onChoose={choose} />
        <Text size="xs" c="dimmed" id={hintId}>
          JPEG, PNG or WebP, up to {formatLimit(maxBytes)} and {maxEdge} × {maxEdge} pixels; larger ones are made
          smaller before they are sent. You can also drop one here, or paste it.
        </Text>
        <div aria-live="polite">
          <StageReport stage={stage} onRetry={start} onCancel={cancel} />
        </div>
      </div>
      {stage.at === 'cropping' ? (
        <Suspense fallback={<Loader size="sm" />}>
          <CropDialog
            picture={stage.picture}
            {...(aspect === undefined ? {} : { aspect })}
            {...(isRound ? { isRound } : {})}
            rules={{ maxEdge: sentEdge, maxBytes }}
            goodEdge={goodEdge}
            onUse={({ file }) => start(file)}
            onCancel={cancel}
          />
        </Suspense>
      ) : null}
    </div>
  );
}

interface ChoicesProps extends ImageUploadProps {
  readonly stage: UploadStage;
  readonly hintId: string;
  readonly onChoose: (file: File) => void;
}

function Choices({ noun = 'picture', hasPicture, stage, hintId, onChoose, onRemove, isRemoving }: ChoicesProps) {
  const input = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const isBusy = stage.at === 'opening' || stage.at === 'sending';
  const take = (field: HTMLInputElement) => {
    const [file] = field.files ?? [];
    field.value = ''; // the same file may be chosen again
    if (file) onChoose(file);
  };
  return (
    <Group gap="xs">
      <Button
        variant="light"
        leftSection={<IconPhotoUp size={17} stroke={1.6} />}
        aria-describedby={hintId}
        loading={stage.at === 'opening'}
        disabled={isBusy}
        onClick={() => input.current?.click()}
      >
        {hasPicture ? `Choose another ${noun}` : `Choose a ${noun}`}
      </Button>
      <Button
        variant="light"
        className={classes.camera}
        leftSection={<IconCamera size={17} stroke={1.6} />}
        disabled={isBusy}
        onClick={() => camera.current?.click()}
      >
        Take a photo
      </Button>
      {hasPicture && onRemove ? (
        <Button
          variant="subtle"
          color="red"
          leftSection={<IconTrash size={17} stroke={1.6} />}
          disabled={isBusy}
          loading={isRemoving ?? false}
          onClick={onRemove}
        >
          Remove
        </Button>
      ) : null}
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        aria-label={`File of the ${noun}`}
        onChange={(event) => take(event.currentTarget)}
      />
      <input
        ref={camera}
        type="file"
        hidden
        accept={accept}
        capture="user"
        aria-label={`Photo for the ${noun}`}
        onChange={(event) => take(event.currentTarget)}
      />
    </Group>
  );
}

interface StageReportProps {
  readonly stage: UploadStage;
  readonly onRetry: (file: File) => void;
  readonly onCancel: () => void;
}

function StageReport({ stage, onRetry, onCancel }: StageReportProps) {
  if (stage.at === 'sending') {
    const percent = Math.round(stage.progress * 100);
    return (
      <div className={classes.sending}>
        <Progress value={percent} size="sm" aria-label="Sending the picture" />
        <Group justify="space-between" gap="xs" wrap="nowrap">
          <Text size="sm">
            {percent < 100 ? `${percent} % of ${formatBytes(stage.file.size)} sent` : 'Sent. It is being prepared…'}
          </Text>
          <Button variant="subtle" size="compact-sm" onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </div>
    );
  }
  if (stage.at !== 'failed') return null;
  const { file, message } = stage;
  return (
    <div className={classes.failed} role="alert">
      <Text size="sm" c="var(--mantine-color-error)">
        {message}
      </Text>
      {file ? (
        <Button
          variant="default"
          size="compact-sm"
          leftSection={<IconRefresh size={15} />}
          onClick={() => onRetry(file)}
        >
          Send it again
        </Button>
      ) : null}
    </div>
  );
}

/** usePaste takes a picture pasted anywhere on the page but in a text field. */
function usePaste(onPaste: (file: File) => void): void {
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const isText = event.target instanceof Element && event.target.closest('input, textarea, [contenteditable]');
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
      if (!file || isText) return;
      event.preventDefault();
      onPaste(file);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, [onPaste]);
}
