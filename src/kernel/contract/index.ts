/** A contract says what an API looks like, in Zod and plain types, so that server, web app and OpenAPI share one truth. */
import { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * ForeignProtocol is another standard that rules an operation's wire: its media type instead of application/json (which
 * is taken as well), its form of errors, and bodies whose unknown fields are left aside because the standard lets
 * everybody add some. Everything else about the operation, its query and its answer too, stays as strict as anywhere.
 */
export interface ForeignProtocol {
  /** The standard that asks for it, such as `RFC 7644`; a test insists on one. */
  readonly standard: string;
  readonly mediaType: `application/${string}+json`;
}

/** Operation describes one route: what goes in, what comes out. Paths are relative to `/api/v1`, with `{param}`. */
export interface Operation {
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /**
   * True when a page of another site posts the body, as providers of sign-on do: it comes form-encoded, and fields that
   * the schema does not name are left aside. Such a route is public and never knows its caller.
   */
  readonly form?: true;
  /** True when the answer sends the browser to another page of this server (303). */
  readonly redirects?: true;
  readonly protocol?: ForeignProtocol;
  /** Set for uploads: the body is multipart/form-data with one file part named `file`. */
  readonly upload?: true;
  /** True when the answer is bytes of some media type (200), such as a file or a download. */
  readonly binary?: true;
  /** Absent for answers without content (204). */
  readonly response?: z.ZodType;
  /** Success status; 200 with a response, else 204. */
  readonly status?: 200 | 201 | 202 | 204;
  /** True when the answer is (or, by Accept, may be) a stream of server-sent events. */
  readonly stream?: true;
}

export type OperationKey = `${Method} /${string}`;
export type Contract = Readonly<Record<OperationKey, Operation>>;

/** defineContract keeps the literal types of a contract. Every object schema in it must be strict (`z.strictObject`). */
export function defineContract<const C extends Contract>(contract: C): C {
  return contract;
}

/** id is a UUID in a path, query or body. */
export const id = z
  .uuid()
  .describe('UUID')
  .meta({ examples: ['0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e6f'] });

/** ISO 8601 has a year 0, PostgreSQL has none. */
const isStorable = (text: string): boolean => !text.startsWith('0000');
const noSuchYear = 'There is no year 0.';

/** timestamp is an ISO 8601 time in UTC. */
export const timestamp = z.iso.datetime({ offset: true }).refine(isStorable, noSuchYear);

/** day is an ISO 8601 date. */
export const day = z.iso.date().refine(isStorable, noSuchYear);

/** pageQuery is what every list accepts. */
export const pageQuery = z.strictObject({
  cursor: z.string().max(500).optional().describe('Where to go on: `nextCursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Rows per page'),
});

/** page is what every list answers: rows, and the cursor of the next page or null at the end. */
export function page<T extends z.ZodType>(item: T) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** encodeCursor packs the sort key of the last row; opaque to clients, and safe in a URL. Any text may stand in a key. */
export function encodeCursor(key: readonly (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(key));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** decodeCursor returns the sort key, or null when the text is not a cursor of ours; its parts are still to be checked. */
export function decodeCursor(cursor: string): readonly (string | number)[] | null {
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const isKey = Array.isArray(value) && value.every((part) => typeof part === 'string' || Number.isFinite(part));
    return isKey ? value : null;
  } catch {
    return null; // not base64, not UTF-8 or not JSON: the caller answers 400
  }
}
