/** Where to go after signing in, kept to this site: an open redirect would let a link send people anywhere. */

/** readNext returns `value` when it is an address of this app, without origin, else `/`. */
export function readNext(value: unknown): string {
  if (typeof value !== 'string') return '/';
  try {
    const base = 'http://here.invalid';
    const url = new URL(value, base);
    const isHere = url.origin === base && value.startsWith('/') && !/^\/(?:sign-in|sign-up|setup)\b/.test(url.pathname);
    return isHere ? url.pathname + url.search + url.hash : '/';
  } catch {
    return '/';
  }
}
