/** useImageUpload takes one picture from choice to arrival; at each point it can be left, and after a failure sent again. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { asProblem, isAborted } from '../../api.ts';
import type { UploadFile } from '../use-uploads.ts';
import { openPicture, PictureRefused, type OpenedPicture } from './open-picture.ts';

export type UploadStage =
  | { readonly at: 'rest' }
  | { readonly at: 'opening' }
  | { readonly at: 'cropping'; readonly picture: OpenedPicture }
  | { readonly at: 'sending'; readonly file: File; readonly progress: number }
  /** `file` is what can be sent again; null when another one must be chosen. */
  | { readonly at: 'failed'; readonly message: string; readonly file: File | null };

/** useImageUpload gives the stage, and what can be done at it. Leaving the page cancels. */
export function useImageUpload(upload: UploadFile) {
  const [stage, setStage] = useState<UploadStage>({ at: 'rest' });
  const send = useRef(upload);
  const sending = useRef<AbortController | null>(null);
  const opened = useRef<OpenedPicture | null>(null);
  /** Of two files chosen one after the other only the later counts. */
  const choice = useRef(0);
  useEffect(() => {
    send.current = upload;
  });

  const closePicture = useCallback(() => {
    opened.current?.close();
    opened.current = null;
  }, []);
  useEffect(
    () => () => {
      choice.current += 1;
      sending.current?.abort();
      closePicture();
    },
    [closePicture],
  );

  const choose = useCallback(
    (file: File) => {
      choice.current += 1;
      const mine = choice.current;
      sending.current?.abort();
      closePicture();
      setStage({ at: 'opening' });
      openPicture(file).then(
        (picture) => {
          if (mine !== choice.current) return picture.close();
          opened.current = picture;
          setStage({ at: 'cropping', picture });
        },
        (error: unknown) => {
          if (mine !== choice.current) return;
          const message = error instanceof PictureRefused ? error.message : 'This file could not be opened.';
          setStage({ at: 'failed', message, file: null });
        },
      );
    },
    [closePicture],
  );

  const start = useCallback(
    (file: File) => {
      closePicture();
      const abort = new AbortController();
      sending.current = abort;
      setStage({ at: 'sending', file, progress: 0 });
      const onProgress = (progress: number) => {
        if (!abort.signal.aborted) setStage({ at: 'sending', file, progress });
      };
      send.current(file, { signal: abort.signal, onProgress }).then(
        () => {
          if (!abort.signal.aborted) setStage({ at: 'rest' });
        },
        (error: unknown) => {
          if (abort.signal.aborted || isAborted(error)) return;
          setStage({ at: 'failed', message: asProblem(error).message, file });
        },
      );
    },
    [closePicture],
  );

  const cancel = useCallback(() => {
    choice.current += 1;
    sending.current?.abort();
    closePicture();
    setStage({ at: 'rest' });
  }, [closePicture]);

  return { stage, choose, start, cancel };
}
