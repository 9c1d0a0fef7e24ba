/** A search is a part of a text, whatever signs stand in it. */

/** searchPattern makes a text the pattern by which LIKE finds it literally, anywhere. */
export function searchPattern(search: string): string {
  return `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
