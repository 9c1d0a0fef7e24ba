/** CropDialog lets people choose the part of a picture, by pointer or keyboard, and shows what will be sent. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { centerCrop, makeAspectCrop, ReactCrop, type PercentCrop } from 'react-image-crop';
import 'react-image-crop/dist/ReactCrop.css';
import { formatBytes } from '../format.ts';
import classes from './image-upload.module.css';
import type { OpenedPicture } from './open-picture.ts';
import { shrinkPicture, type Area, type ShrinkRules, type ShrunkPicture } from './shrink-picture.ts';

interface CropDialogProps {
  readonly picture: OpenedPicture;
  /** Width by height; absent: any shape. */
  readonly aspect?: number;
  readonly isRound?: boolean;
  readonly rules: ShrinkRules;
  /** Below this the picture looks blurred where it is shown. */
  readonly goodEdge: number;
  readonly onUse: (picture: ShrunkPicture) => void;
  readonly onCancel: () => void;
}

const settleMilliseconds = 200;
const whole: PercentCrop = { unit: '%', x: 0, y: 0, width: 100, height: 100 };

function firstCrop({ width, height }: OpenedPicture, aspect: number | undefined): PercentCrop {
  if (aspect === undefined) return whole;
  const fitted = width / height > aspect ? { height: 100 } : { width: 100 };
  return centerCrop(makeAspectCrop({ unit: '%', ...fitted }, aspect, width, height), width, height);
}

function toPixels({ width, height }: OpenedPicture, crop: PercentCrop): Area {
  const pixels = (percent: number, of: number) => Math.round((percent / 100) * of);
  return {
    x: pixels(crop.x, width),
    y: pixels(crop.y, height),
    width: Math.max(1, pixels(crop.width, width)),
    height: Math.max(1, pixels(crop.height, height)),
  };
}

/** useShrunk is the file that would be sent, made anew once the crop has settled; null while it is being made. */
function useShrunk(picture: OpenedPicture, crop: PercentCrop, { maxEdge, maxBytes }: ShrinkRules) {
  const [shrunk, setShrunk] = useState<ShrunkPicture | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    let isCurrent = true;
    setShrunk(null);
    setFailed(false);
    const timer = setTimeout(() => {
      shrinkPicture(picture.bitmap, toPixels(picture, crop), { maxEdge, maxBytes }).then(
        (made) => isCurrent && setShrunk(made),
        () => isCurrent && setFailed(true),
      );
    }, settleMilliseconds);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [picture, crop, maxEdge, maxBytes]);
  return { shrunk, hasFailed };
}

export default function CropDialog(props: CropDialogProps) {
  const { picture, aspect, isRound = false, rules, goodEdge, onUse, onCancel } = props;
  const [crop, setCrop] = useState(() => firstCrop(picture, aspect));
  const { shrunk, hasFailed } = useShrunk(picture, crop, rules);
  return (
    <Modal opened onClose={onCancel} title="Choose the part to show" size="lg">
      <Stack gap="sm">
        <div className={classes.stage}>
          <ReactCrop
            crop={crop}
            onChange={(_, percent) => setCrop(percent)}
            {...(aspect === undefined ? {} : { aspect })}
            circularCrop={isRound}
            keepSelection
            minWidth={24}
            minHeight={24}
            ariaLabels={cropLabels}
          >
            <img src={picture.url} alt="What you chose" className={classes.stagePicture} />
          </ReactCrop>
        </div>
        <Text size="xs" c="dimmed">
          Drag the frame, or its corners.{' '}
          <span className={classes.keyboardHint}>
            With the keyboard: Tab to the frame or a corner, then the arrow keys; Shift moves further.
          </span>
        </Text>
        <SizeReport picture={picture} shrunk={shrunk} hasFailed={hasFailed} goodEdge={goodEdge} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button disabled={!shrunk} onClick={() => shrunk && onUse(shrunk)} data-autofocus>
            Use picture
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const cropLabels = {
  cropArea: 'Frame: arrow keys move it',
  nwDragHandle: 'Upper left corner: arrow keys resize',
  nDragHandle: 'Upper edge: arrow keys resize',
  neDragHandle: 'Upper right corner: arrow keys resize',
  eDragHandle: 'Right edge: arrow keys resize',
  seDragHandle: 'Lower right corner: arrow keys resize',
  sDragHandle: 'Lower edge: arrow keys resize',
  swDragHandle: 'Lower left corner: arrow keys resize',
  wDragHandle: 'Left edge: arrow keys resize',
};

interface SizeReportProps {
  readonly picture: OpenedPicture;
  readonly shrunk: ShrunkPicture | null;
  readonly hasFailed: boolean;
  readonly goodEdge: number;
}

/** SizeReport keeps its height while figures change, so that the buttons below do not jump. */
function SizeReport({ picture, shrunk, hasFailed, goodEdge }: SizeReportProps) {
  const isSmall = shrunk !== null && Math.min(shrunk.width, shrunk.height) < goodEdge;
  return (
    <div className={classes.report} aria-live="polite">
      <Text size="sm">
        Your file: {picture.width} × {picture.height}, {formatBytes(picture.bytes)}
      </Text>
      {hasFailed ? (
        <Text size="sm" c="var(--mantine-color-error)">
          This part could not be prepared. Choose a smaller part, or make the picture smaller first.
        </Text>
      ) : (
        <Text size="sm" fw={550}>
          {shrunk
            ? `To be sent: ${shrunk.width} × ${shrunk.height}, ${formatBytes(shrunk.file.size)}`
            : 'To be sent: measuring…'}
        </Text>
      )}
      <Text size="sm" className={classes.warning} data-shown={isSmall || undefined}>
        {isSmall
          ? 'This part has few pixels and will look blurred. Choose a larger part or another picture.'
          : '\u00a0'}
      </Text>
    </div>
  );
}
