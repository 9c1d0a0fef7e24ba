/** Lists in the order of ids go on exactly where the page before ended, whatever was added or removed meanwhile. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import { isId } from '#kernel/ids';

/** readIdCursor returns the id of the last row seen, or null on the first page. Throws INVALID_REQUEST for what is no cursor. */
export function readIdCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [id, ...more] = decodeCursor(cursor) ?? [];
  if (isId(id) && more.length === 0) return id;
  const detail = 'This is not a cursor of this list. Use `nextCursor` of the page before.';
  throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/cursor', detail }] });
}

/** toIdPage cuts rows, of which one more than `limit` was asked for, into a page. */
export function toIdPage<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(toItem), nextCursor: rows.length > limit && last ? encodeCursor([last.id]) : null };
}
