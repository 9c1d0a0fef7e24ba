/** JSON bytes are looked at before they are parsed, so that deep nesting and floods of values never reach parser or schema (K5.1). */

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;

export interface JsonBounds {
  readonly maxDepth: number;
  /** Members and elements that follow another, in all: what is between commas, whatever holds it. */
  readonly maxValues: number;
}

/** findExcess tells whether arrays and objects nest too deep or hold too much, or null. One pass, no allocation. */
export function findExcess(json: Uint8Array, { maxDepth, maxValues }: JsonBounds): 'depth' | 'values' | null {
  // Each level costs two bytes at least, and so does each value, so most bodies need no look at all.
  if (json.length <= Math.min(maxDepth, maxValues) * 2) return null;
  let depth = 0;
  let separators = 0;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (byte === quote) {
      index = skipString(json, index);
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
      if (depth > maxDepth) return 'depth';
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
    } else if (byte === comma) {
      separators += 1;
      if (separators >= maxValues) return 'values';
    }
  }
  return null;
}

/** skipString returns the index of the quote that ends the string opened at `start`, or the end of the bytes. */
function skipString(json: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < json.length && json[index] !== quote) index += json[index] === backslash ? 2 : 1;
  return index;
}
