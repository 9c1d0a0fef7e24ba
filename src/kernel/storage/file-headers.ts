/** A stored file can be looked at or downloaded, but never acts as a page of ours. */
import type { StoredObject } from './types.ts';

/** Types a browser shows without running anything; everything else is downloaded. */
const inlineTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'application/pdf', 'text/plain']);
const oneYearSeconds = 31_536_000;

/** percentEncode is the ext-value of RFC 8187. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** contentDisposition renders RFC 6266 with an ASCII name for old clients beside the true one. */
export function contentDisposition({ contentType, filename }: Pick<StoredObject, 'contentType' | 'filename'>): string {
  const kind = inlineTypes.has(contentType) ? 'inline' : 'attachment';
  const ascii = filename.replaceAll(/[^\x20-\x7e]|["\\%/]/g, '_');
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${percentEncode(filename)}`;
}

/**
 * fileHeaders are the headers of a served file. The bytes behind an id never change, so it may be cached until the link
 * ends. PDF is not sandboxed because browsers refuse to open their viewer in a sandbox; the viewer runs apart from us.
 */
export function fileHeaders(object: StoredObject, expires: number, nowMilliseconds: number): Record<string, string> {
  const maxAge = Math.max(0, Math.min(oneYearSeconds, expires - Math.ceil(nowMilliseconds / 1000)));
  const policy = "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
  return {
    'cache-control': `private, max-age=${maxAge}, immutable`,
    'content-disposition': contentDisposition(object),
    'content-length': String(object.sizeBytes),
    'content-security-policy': object.contentType === 'application/pdf' ? policy : `${policy}; sandbox`,
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    etag: `"${object.sha256}"`,
  };
}

/** servedType is the Content-Type of the answer; text is declared UTF-8 so that no browser guesses an encoding. */
export function servedType(contentType: string): string {
  return contentType === 'text/plain' ? 'text/plain; charset=utf-8' : contentType;
}
