/** What the reports of a fuzz are made of. */

/** Counts says how often each thing happened. */
export type Counts = Record<string, number>;

/** countOne adds one to what happened. */
export function countOne(counts: Counts, what: string | number): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** secondsSince rounds the time since a moment of `performance.now()`. */
export function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 1_000);
}
