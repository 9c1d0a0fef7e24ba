/** Where to go after signing in, kept to this site: an open redirect would let a link send people anywhere. */

/** readNext returns `value` when it is an address of this app, without origin, else `/`. */
export function readNext(value: unknown): string {
  if (typeof value !== 'string') return '/';
  try {
    const base = 'http://here.invalid';
    const url = new URL(value, base);
    // `/.//elsewhere` becomes a path that a browser takes for an address of its own.
    const isPath = value.startsWith('/') && !url.pathname.startsWith('//');
    const isHere = url.origin === base && isPath && !/^\/(?:sign-in|sign-up|setup)\b/.test(url.pathname);
    return isHere ? url.pathname + url.search + url.hash : '/';
  } catch {
    return '/';
  }
}
