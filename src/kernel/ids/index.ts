/** Ids are UUIDv7 (RFC 9562): unique across processes, and sorting by id is sorting by time of creation. */
import { uuidv7 } from 'uuidv7';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** newId makes a fresh UUIDv7 in lower case. */
export function newId(): string {
  return uuidv7();
}

/** isId tells whether a string is a lower-case UUID, the only form that may be placed in a setting or a key. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}
