/** A counter store adds to a fixed-window counter atomically; whichever process asks, the sum is one. */
import { RateLimiterMemory } from 'rate-limiter-flexible';

export interface Count {
  /** Points taken in the current window, the ones just added included. */
  readonly used: number;
  /** Milliseconds until the window ends. */
  readonly leftMilliseconds: number;
}

export interface CounterStore {
  readonly name: 'memory' | 'redis' | 'postgres';
  add(key: string, points: number, windowSeconds: number): Promise<Count>;
  clear(key: string): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * longestWindowSeconds is the longest window all stores keep: Node fires a timer beyond 2^31 ms at once, which would
 * turn a very long window into no limit at all.
 */
export const longestWindowSeconds = Math.floor((2 ** 31 - 1) / 1000);

/** createMemoryStore counts in this process; each key costs about 300 bytes until its window ends. */
export function createMemoryStore(): CounterStore & { peek(key: string): Promise<number> } {
  const memory = new RateLimiterMemory({ keyPrefix: '', points: 0, duration: 1 });
  return {
    name: 'memory',
    async add(key, points, windowSeconds) {
      const result = await memory.penalty(key, points, { customDuration: windowSeconds });
      return { used: result.consumedPoints, leftMilliseconds: result.msBeforeNext };
    },
    async clear(key) {
      await memory.delete(key);
    },
    async peek(key) {
      return (await memory.get(key))?.consumedPoints ?? 0;
    },
    ping: async () => undefined,
    close: async () => undefined,
  };
}
