/** Event ids `<attempt>-<seq>` order all events of a run, across attempts, without a number ever given twice. */

export interface EventId {
  readonly attempt: number;
  readonly seq: number;
}

/** beforeAll is the position before any event. */
export const beforeAll: EventId = { attempt: 0, seq: 0 };

export function formatEventId(attempt: number, seq: number): string {
  return `${attempt}-${seq}`;
}

/** parseEventId returns null for text that is no event id. */
export function parseEventId(text: string): EventId | null {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text);
  return match ? { attempt: Number(match[1]), seq: Number(match[2]) } : null;
}

/** isAfter tells whether `a` comes after `b`. */
export function isAfter(a: EventId, b: EventId): boolean {
  return a.attempt > b.attempt || (a.attempt === b.attempt && a.seq > b.seq);
}
