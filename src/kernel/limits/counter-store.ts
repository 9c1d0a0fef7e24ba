/** A counter store adds to a fixed-window counter atomically; whichever process asks, the sum is one. */

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
