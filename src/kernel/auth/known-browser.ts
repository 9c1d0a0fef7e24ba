/**
 * A browser in which somebody has signed in before is told from a guesser's: its tries are counted by themselves, so that
 * nobody locks the owner of an account out by guessing, from wherever and however often. It opens nothing.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RequestContext } from '#kernel/http';
import { internalsOf } from './create-identity.ts';
import { findCookie, hostCookie } from './session-cookie.ts';

const cookieName = '__Host-bulkhead_known';
const daySeconds = 86_400;
const lifetimeSeconds = 180 * daySeconds;
/** People who share a browser; the one who came longest ago is forgotten first. */
const mostMarks = 3;
const nonceBytes = 12;

type BrowserContext = Pick<RequestContext, 'services' | 'headers'>;

/** The name is not in the mark, only what it makes of the nonce: the cookie tells nobody who signs in here. */
function markOf({ services }: BrowserContext, nonce: string, name: string): string {
  const { secret } = internalsOf(services.identity);
  const mac = createHmac('sha256', secret).update(`known browser ${nonce} ${name}`).digest('base64url');
  return `${nonce}.${mac}`;
}

function isMarkOf(ctx: BrowserContext, mark: string, name: string): boolean {
  const expected = Buffer.from(markOf(ctx, mark.split('.')[0] ?? '', name));
  const given = Buffer.from(mark);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function marksIn({ headers }: BrowserContext): readonly string[] {
  return findCookie(headers['cookie'], cookieName)?.split('~') ?? [];
}

/** findMark is what this browser's tries at a name are counted by; null where nobody has signed in by that name. */
export function findMark(ctx: BrowserContext, name: string): string | null {
  const mark = marksIn(ctx).find((one) => isMarkOf(ctx, one, name));
  return mark?.split('.')[0] ?? null;
}

/** markBrowser is the Set-Cookie by which the browser is known for a name from now on. */
export function markBrowser(ctx: BrowserContext, name: string): string {
  const others = marksIn(ctx).filter((mark) => !isMarkOf(ctx, mark, name));
  const own = markOf(ctx, randomBytes(nonceBytes).toString('base64url'), name);
  return hostCookie(cookieName, [own, ...others].slice(0, mostMarks).join('~'), lifetimeSeconds);
}
