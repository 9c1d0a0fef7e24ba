/** A sliding window has no seam at which a caller gets twice its due: the window before counts for the part still in reach. */
import type { Count } from './counter-store.ts';
import type { LimitRule } from './types.ts';

type Add = (counter: string, points: number, windowSeconds: number) => Promise<Count>;

/** slidingCounters names the counters of the window now and the one before, by this process's clock. */
export function slidingCounters(counter: string, windowSeconds: number, now = Date.now()): [string, string] {
  const window = Math.floor(now / (windowSeconds * 1_000));
  return [`${counter}:${window}`, `${counter}:${window - 1}`];
}

/** waitOf is how long until `cost` fits again, when nobody takes anything meanwhile. */
function waitOf(rule: LimitRule, cost: number, current: number, previous: number, elapsed: number): number {
  const milliseconds = rule.windowSeconds * 1_000;
  const room = rule.max - current - cost;
  if (room >= 0) return Math.max(0, (1 - room / previous) * milliseconds - elapsed);
  const share = Math.min(1, Math.max(0, 1 - (rule.max - cost) / current));
  return milliseconds - elapsed + share * milliseconds;
}

/**
 * countSliding takes `cost` if it fits and gives it back if not, so that a flood that is refused does not keep everybody
 * out. What is used may be a fraction. Takes at the same moment may refuse each other's last points: stricter, never looser.
 */
export async function countSliding(add: Add, rule: LimitRule, counter: string, cost: number): Promise<Count> {
  const milliseconds = rule.windowSeconds * 1_000;
  const now = Date.now();
  const elapsed = now % milliseconds;
  const [name, nameBefore] = slidingCounters(counter, rule.windowSeconds, now);
  const [current, previous] = await Promise.all([
    add(name, cost, rule.windowSeconds * 2),
    add(nameBefore, 0, rule.windowSeconds * 2),
  ]);
  const used = current.used + previous.used * (1 - elapsed / milliseconds);
  if (used <= rule.max) return { used, leftMilliseconds: milliseconds - elapsed };
  await add(name, -cost, rule.windowSeconds * 2);
  return { used, leftMilliseconds: waitOf(rule, cost, current.used - cost, previous.used, elapsed) };
}
