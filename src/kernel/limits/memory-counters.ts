/** Counters of one process, in bounded memory: a flood of made-up callers cannot use up the server's. */
import type { Count, CounterStore } from './counter-store.ts';

interface Window {
  used: number;
  readonly endsAt: number;
}

/** About 200 bytes each: 50 MB at most. */
const defaultMaxKeys = 250_000;
const sweepMilliseconds = 60_000;

/**
 * MemoryCounters is synchronous, so that several calls in a row are one atomic act. Beyond `maxKeys` the oldest window
 * is forgotten, so whoever can ask from that many addresses within a window can pass a limit by address.
 */
export class MemoryCounters {
  readonly #windows = new Map<string, Window>();
  readonly #maxKeys: number;
  readonly #sweeping: NodeJS.Timeout;

  constructor(maxKeys = defaultMaxKeys) {
    this.#maxKeys = maxKeys;
    this.#sweeping = setInterval(() => this.#sweep(), sweepMilliseconds);
    this.#sweeping.unref();
  }

  get size(): number {
    return this.#windows.size;
  }

  add(key: string, points: number, windowSeconds: number): Count {
    const now = Date.now();
    let window = this.#windows.get(key);
    if (!window || window.endsAt <= now) {
      window = { used: 0, endsAt: now + windowSeconds * 1000 };
      // Deleted first, so that the map's order stays the order in which windows began.
      this.#windows.delete(key);
      this.#windows.set(key, window);
      if (this.#windows.size > this.#maxKeys) this.#forgetOldest();
    }
    window.used += points;
    return { used: window.used, leftMilliseconds: window.endsAt - now };
  }

  /** take empties a counter and says what it held. */
  take(key: string): number {
    const window = this.#windows.get(key);
    this.#windows.delete(key);
    return window && window.endsAt > Date.now() ? window.used : 0;
  }

  clear(key: string): void {
    this.#windows.delete(key);
  }

  close(): void {
    clearInterval(this.#sweeping);
    this.#windows.clear();
  }

  #forgetOldest(): void {
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }

  #sweep(): void {
    const now = Date.now();
    for (const [key, window] of this.#windows) if (window.endsAt <= now) this.#windows.delete(key);
  }
}

/** createMemoryStore counts in this process alone, for an installation that has but one. */
export function createMemoryStore(): CounterStore {
  const counters = new MemoryCounters();
  return {
    name: 'memory',
    add: async (key, points, windowSeconds) => counters.add(key, points, windowSeconds),
    clear: async (key) => counters.clear(key),
    ping: async () => undefined,
    close: async () => counters.close(),
  };
}
