/** A place in a request is named as an RFC 6901 JSON pointer, whatever characters its keys hold. */

/** A key is repeated so far; the rest of a longer one would only make the answer as long as the request. */
const longestKey = 200;

/** toPointer writes the pointer of a path: `['body', 'a/b']` is `/body/a~1b`. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${shorten(String(part)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function shorten(key: string): string {
  return key.length <= longestKey ? key : `${key.slice(0, longestKey).toWellFormed()}…`;
}
