/** TimeAgo says how long ago something was, stays true while the page is open, and tells the exact moment to who points at it. */
import { useSyncExternalStore } from 'react';
import { formatAgo, formatTime } from './format.ts';

const tickMilliseconds = 30_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for all times of a page, which stands still while there are none. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const tell of listeners) tell();
  }, tickMilliseconds);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

const readTick = (): number => Math.floor(Date.now() / tickMilliseconds);

interface TimeAgoProps {
  /** ISO 8601. */
  readonly at: string;
  /** More for who points at it, such as from where. */
  readonly note?: string | null | undefined;
}

/** TimeAgo stands in the middle of a sentence: `used <TimeAgo at={…} />`. */
export function TimeAgo({ at, note }: TimeAgoProps) {
  useSyncExternalStore(subscribe, readTick);
  return (
    <time dateTime={at} title={note ? `${formatTime(at)} ${note}` : formatTime(at)}>
      {formatAgo(at)}
    </time>
  );
}
