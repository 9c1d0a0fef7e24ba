/** A search is a part of a text, whatever signs stand in it. */

/** searchPattern makes the pattern for `ilike`; null without a search. */
export function searchPattern(search: string | undefined): string | null {
  return search === undefined ? null : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
