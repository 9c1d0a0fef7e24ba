/** One timer drives every scripted stream, so that a thousand streams cost one wake-up per two milliseconds. */

const tickMilliseconds = 2;

/** Wheel calls back at (or up to one tick after) a due time; times are performance.now() milliseconds. */
export interface Wheel {
  schedule(dueAt: number, callback: () => void): void;
  close(): void;
}

/** createWheel makes a wheel that sleeps while nothing is scheduled. */
export function createWheel(): Wheel {
  const slots = new Map<number, (() => void)[]>();
  let timer: NodeJS.Timeout | null = null;
  let nextTick = 0;

  function run(): void {
    const nowTick = Math.floor(performance.now() / tickMilliseconds);
    while (nextTick <= nowTick) {
      const tick = nextTick;
      nextTick += 1; // before the callbacks: what they schedule for now goes into the next tick
      const due = slots.get(tick);
      if (!due) continue;
      slots.delete(tick);
      for (const callback of due) callback();
    }
    if (slots.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  }

  return {
    schedule(dueAt, callback) {
      const nowTick = Math.floor(performance.now() / tickMilliseconds);
      if (!timer) {
        nextTick = nowTick + 1;
        timer = setInterval(run, tickMilliseconds);
      }
      const tick = Math.max(Math.ceil(dueAt / tickMilliseconds), nextTick);
      const slot = slots.get(tick);
      if (slot) slot.push(callback);
      else slots.set(tick, [callback]);
    },
    close() {
      if (timer) clearInterval(timer);
      timer = null;
      slots.clear();
    },
  };
}
