/** Lists go on exactly where the page before ended, whatever was added or removed meanwhile. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';

/** readCursor returns the sort key of the last row seen, or null on the first page. Throws INVALID_REQUEST. */
export function readCursor(
  cursor: string | undefined,
  isValid: (key: readonly unknown[]) => boolean,
): readonly (string | number)[] | null {
  if (cursor === undefined) return null;
  const key = decodeCursor(cursor);
  if (key && isValid(key)) return key;
  throw kernelErrors.INVALID_REQUEST({
    errors: [
      { pointer: '/query/cursor', detail: 'This is not a cursor of this list. Use `nextCursor` of the page before.' },
    ],
  });
}

/** toPage cuts rows, of which one more than `limit` was asked for, into a page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  toKey: (row: Row) => readonly (string | number)[],
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(toKey(last)) : null;
  return { items: shown.map(toItem), nextCursor };
}
