/** exceedsDepth looks at JSON bytes before they are parsed, so that deep nesting never reaches the parser (K5.1). */

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** exceedsDepth tells whether arrays and objects nest deeper than `maxDepth`. One pass, no allocation. */
export function exceedsDepth(json: Uint8Array, maxDepth: number): boolean {
  // Each level costs two bytes at least, so most bodies need no look at all.
  if (json.length <= maxDepth * 2) return false;
  let depth = 0;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (byte === quote) {
      index = skipString(json, index);
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
    }
  }
  return false;
}

/** skipString returns the index of the quote that ends the string opened at `start`, or the end of the bytes. */
function skipString(json: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < json.length && json[index] !== quote) index += json[index] === backslash ? 2 : 1;
  return index;
}
