/** useUploads sends files two at a time, with progress, cancel and retry; a refused file says why and blocks no other. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { asProblem, isAborted } from '../api.ts';
import { formatBytes, formatLimit } from './format.ts';

export type UploadFile = (
  file: File,
  options: { readonly signal: AbortSignal; readonly onProgress: (fraction: number) => void },
) => Promise<unknown>;

export interface Upload {
  readonly id: number;
  readonly file: File;
  readonly state: 'waiting' | 'sending' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  readonly error: string | null;
  readonly canRetry: boolean;
  readonly abort: AbortController;
}

interface UploadRules {
  readonly accept: string;
  readonly maxBytes: number;
  readonly upload: UploadFile;
  readonly onUploaded?: () => void;
}

const atOnce = 2;
let lastId = 0;

/** useUploads gives the files under way or failed; finished ones are gone from it. Leaving the page cancels the rest. */
export function useUploads(rules: UploadRules) {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const current = useRef(rules);
  const live = useRef<readonly Upload[]>([]);
  useEffect(() => {
    current.current = rules;
    live.current = uploads;
  });
  useEffect(() => () => live.current.forEach((item) => item.abort.abort()), []);

  const change = useCallback((id: number, patch: Partial<Upload>) => {
    setUploads((all) => all.map((item) => (item.id === id ? { ...item, ...patch } : item)));
  }, []);
  const remove = useCallback((id: number) => {
    live.current.find((item) => item.id === id)?.abort.abort();
    setUploads((all) => all.filter((item) => item.id !== id));
  }, []);

  useEffect(() => {
    const isFull = uploads.filter((item) => item.state === 'sending').length >= atOnce;
    const next = uploads.find((item) => item.state === 'waiting');
    if (isFull || !next) return;
    change(next.id, { state: 'sending' });
    const { upload, onUploaded } = current.current;
    upload(next.file, {
      signal: next.abort.signal,
      onProgress: (progress) => change(next.id, { progress }),
    }).then(
      () => {
        setUploads((all) => all.filter((item) => item.id !== next.id));
        onUploaded?.();
      },
      (error: unknown) => {
        if (isAborted(error)) return;
        const problem = asProblem(error);
        change(next.id, { state: 'failed', error: problem.message, canRetry: problem.isRetryable });
      },
    );
  }, [uploads, change]);

  return {
    uploads,
    add: (files: readonly File[]) => setUploads((all) => [...all, ...files.map((file) => begin(file, rules))]),
    retry: (id: number) =>
      change(id, { state: 'waiting', error: null, progress: 0, canRetry: false, abort: new AbortController() }),
    remove,
  };
}

function begin(file: File, rules: UploadRules): Upload {
  const error = refusal(file, rules);
  lastId += 1;
  return {
    id: lastId,
    file,
    state: error ? 'failed' : 'waiting',
    progress: 0,
    error,
    canRetry: false,
    abort: new AbortController(),
  };
}

/** refusal says why the server would refuse a file, before its bytes are sent for nothing. */
function refusal(file: File, { accept, maxBytes }: UploadRules): string | null {
  const endings = accept.split(',').map((ending) => ending.trim().toLowerCase());
  if (!endings.some((ending) => file.name.toLowerCase().endsWith(ending))) {
    return `This kind of file is not read here. Accepted: ${endings.join(', ')}`;
  }
  if (file.size === 0) return 'The file is empty.';
  if (file.size > maxBytes) return `${formatBytes(file.size)} is too large; the limit is ${formatLimit(maxBytes)}.`;
  return null;
}
