/** Finds entries by words, best first: what begins with the words, then what has them in its name, then the rest. */
import type { PaletteEntry } from '../../app-pages.ts';

/** matchEntries keeps the entries that hold every word of the query, in their order where they fit alike. */
export function matchEntries(entries: readonly PaletteEntry[], query: string): readonly PaletteEntry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries;
  return entries
    .map((entry) => ({ entry, rank: rankOf(entry, words) }))
    .filter(({ rank }) => rank > 0)
    .toSorted((left, right) => right.rank - left.rank)
    .map(({ entry }) => entry);
}

function rankOf({ label, description = '', keywords = '' }: PaletteEntry, words: readonly string[]): number {
  const name = label.toLowerCase();
  const whole = `${name} ${description} ${keywords}`.toLowerCase();
  if (!words.every((word) => whole.includes(word))) return 0;
  if (name.startsWith(words.join(' '))) return 3;
  return words.every((word) => name.includes(word)) ? 2 : 1;
}
