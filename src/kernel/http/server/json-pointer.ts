/** A place in a request is named as an RFC 6901 JSON pointer, whatever characters its keys hold. */

/** toPointer writes the pointer of a path: `['body', 'a/b']` is `/body/a~1b`. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
