/** useRun shows a run while it happens: one render per frame at most, however many tokens arrive in it. */
import { useEffect, useRef, useState } from 'react';
import { asProblem, type ApiProblem } from './api-problem.ts';
import { emptyRun, foldRunEvents, type RunEvent, type RunView } from './fold-run-events.ts';
import { followRun, type Connection } from './run-stream.ts';

export interface FollowedRun {
  readonly view: RunView;
  readonly connection: Connection;
  /** Set when the run cannot be followed at all (gone, not yours); the view keeps what was shown. */
  readonly problem: ApiProblem | null;
}

const nothing: FollowedRun = { view: emptyRun, connection: 'connecting', problem: null };

/**
 * useRun follows `runId` from its first event; null follows nothing. `onDone` is called once, with the data of `done`,
 * after the view that includes it. Unmounting stops the following, never the run.
 */
export function useRun(runId: string | null, onDone?: (view: RunView) => void): FollowedRun {
  const [shown, setShown] = useState<FollowedRun & { readonly runId: string | null }>({ ...nothing, runId });
  const latestOnDone = useRef(onDone);
  useEffect(() => {
    latestOnDone.current = onDone;
  });
  useEffect(() => {
    if (runId === null) return undefined;
    const abort = new AbortController();
    void follow(
      runId,
      abort.signal,
      (next) => setShown({ ...next, runId }),
      (view) => latestOnDone.current?.(view),
    );
    return () => abort.abort();
  }, [runId]);
  return shown.runId === runId ? shown : nothing; // never a frame of the run before
}

async function follow(
  runId: string,
  signal: AbortSignal,
  show: (run: FollowedRun) => void,
  onDone: (view: RunView) => void,
): Promise<void> {
  let run = nothing;
  let waiting: RunEvent[] = [];
  let frame = 0;
  const flush = () => {
    frame = 0;
    run = { ...run, view: foldRunEvents(run.view, waiting) };
    waiting = [];
    if (!signal.aborted) show(run);
  };
  // A hidden page gets no frames; a timer keeps its text coming for the screen reader and the tab's title.
  const schedule = () => {
    frame ||= document.hidden ? window.setTimeout(flush, 250) : requestAnimationFrame(flush);
  };
  const onConnection = (connection: Connection) => {
    run = { ...run, connection };
    schedule();
  };
  show(run);
  try {
    for await (const event of followRun(runId, { signal, onConnection })) {
      waiting.push(event);
      schedule();
    }
  } catch (error) {
    run = { ...run, problem: asProblem(error) };
  }
  if (signal.aborted) return;
  flush();
  if (run.view.done) onDone(run.view);
}
