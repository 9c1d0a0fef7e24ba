/** Tries of a delivery move apart, and those that failed together do not come back together. */

const firstSeconds = 15;
const longestSeconds = 2 * 3600;

/** backoffSeconds is the pause after the `attempts`-th failed try: 15 s doubled each time, two hours at most, ±20 % by chance. */
export function backoffSeconds(attempts: number, chance: number = Math.random()): number {
  const steps = Math.min(Math.max(attempts, 1) - 1, 20);
  return Math.min(firstSeconds * 2 ** steps, longestSeconds) * (0.8 + 0.4 * chance);
}
