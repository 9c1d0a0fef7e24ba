/** A journal row holds several events; expanding it gives them back exactly as they were first sent. */
import { isAfter, type EventId } from './event-id.ts';
import { serialiseEvent, type StoredEvent } from './live-run.ts';

export interface JournalRow {
  readonly run_id: string;
  readonly attempt: number;
  readonly first_seq: number;
  readonly events: readonly [type: string, data: Record<string, unknown>][];
}

/** expandRow gives the events of a journal row that come after `cursor`, exactly as they were first sent. */
export function expandRow(row: JournalRow, cursor: EventId): StoredEvent[] {
  const events: StoredEvent[] = [];
  row.events.forEach(([type, data], index) => {
    const seq = row.first_seq + index;
    if (isAfter({ attempt: row.attempt, seq }, cursor)) events.push(restoreEvent(row.attempt, seq, type, data));
  });
  return events;
}

function restoreEvent(attempt: number, seq: number, type: string, data: Record<string, unknown>): StoredEvent {
  const { step, ...rest } = data;
  return serialiseEvent(attempt, seq, type, Number(step), rest);
}
