/** A call that says nothing for too long is ended, by one timer per call that tokens do not touch. */

export interface WatchdogTimes {
  readonly firstTokenMilliseconds: number;
  readonly idleMilliseconds: number;
  readonly totalMilliseconds: number;
}

export type WatchdogPhase = 'first-token' | 'idle' | 'total';

/** Watchdog calls `onExpire` once. Signs of life only note the time; the timer looks at it when it fires. */
export class Watchdog {
  readonly #times: WatchdogTimes;
  readonly #onExpire: (phase: WatchdogPhase) => void;
  readonly #startedAt = performance.now();
  #aliveAt = this.#startedAt;
  #hasBegun = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(times: WatchdogTimes, onExpire: (phase: WatchdogPhase) => void) {
    this.#times = times;
    this.#onExpire = onExpire;
    this.#arm();
  }

  /** alive notes that the provider sent something, be it a comment. */
  alive(): void {
    this.#aliveAt = performance.now();
  }

  /** begin notes the first part: from here on idle counts instead of first token. */
  begin(): void {
    this.#hasBegun = true;
    this.alive();
    clearTimeout(this.#timer);
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const { firstTokenMilliseconds, idleMilliseconds, totalMilliseconds } = this.#times;
    const now = performance.now();
    const phase: WatchdogPhase = this.#hasBegun ? 'idle' : 'first-token';
    const left = this.#hasBegun
      ? this.#aliveAt + idleMilliseconds - now
      : this.#startedAt + firstTokenMilliseconds - now;
    const leftInAll = this.#startedAt + totalMilliseconds - now;
    if (leftInAll <= 0) this.#onExpire('total');
    else if (left <= 0) this.#onExpire(phase);
    else this.#timer = setTimeout(() => this.#arm(), Math.ceil(Math.min(left, leftInAll)));
  }
}
