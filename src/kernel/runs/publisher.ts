/** The publisher decides when events leave: at once on a quiet server, in larger pieces on a crowded one. */
import type { LiveRun } from './live-run.ts';

/** Below this many speaking runs nothing is held back. */
const fewRuns = 16;
const runsPerGapMillisecond = 4;
const maxGapMilliseconds = 150;
/** A run that said nothing for this long does not count: runs that wait for a slow model must not slow others down. */
const windowMilliseconds = 250;

export interface Publisher {
  /** Hands the run's new events out at the end of this turn, with those of all other runs of the turn. */
  publishSoon(run: LiveRun): void;
}

/**
 * createPublisher makes the publisher of a process. Events of one turn of the event loop go out together: one write per
 * client. With many runs speaking at once the turns are stretched (12 ms at 50, 50 ms at 200, 150 ms from 600 on),
 * because a write per word and client is what a busy server spends its time on: measured, more than half of it.
 */
export function createPublisher(): Publisher {
  const waiting = new Set<LiveRun>();
  const speaking = new Set<LiveRun>();
  let countBefore = 0;
  let windowEnds = 0;

  function countSpeaking(): number {
    const now = performance.now();
    if (now > windowEnds) {
      // A window long past says nothing about now.
      countBefore = now > windowEnds + windowMilliseconds ? 0 : speaking.size;
      speaking.clear();
      windowEnds = now + windowMilliseconds;
    }
    return Math.max(countBefore, speaking.size);
  }

  function publishAll(): void {
    const runs = [...waiting];
    waiting.clear();
    for (const run of runs) run.publish();
  }

  return {
    publishSoon(run) {
      if (waiting.size === 0) {
        const count = countSpeaking();
        if (count < fewRuns) setImmediate(publishAll);
        else setTimeout(publishAll, Math.min(maxGapMilliseconds, count / runsPerGapMillisecond));
      }
      waiting.add(run);
      speaking.add(run);
    },
  };
}
