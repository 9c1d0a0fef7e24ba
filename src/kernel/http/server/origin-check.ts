/** A write that another site made a browser send is refused before anything else is looked at (K8.2). */
import type { IncomingHttpHeaders } from 'node:http';
import { kernelErrors } from '#kernel/errors';

export interface OriginRules {
  /** The origin people use, such as `https://bulkhead.example.com`; undefined when not configured. */
  readonly publicOrigin: string | undefined;
  /** Origins listed in CORS_ORIGINS; they count only on routes that say `cors`. */
  readonly corsOrigins: ReadonlySet<string>;
}

export interface OriginRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Host as the server trusts it. */
  readonly host: string;
  /** True when the route allows the configured foreign origins. */
  readonly allowsCors: boolean;
  /** True when the route is there for forms of other sites, and therefore knows no caller. */
  readonly takesForms: boolean;
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * checkOrigin throws CROSS_SITE_REFUSED for an unsafe method that a browser sent from elsewhere. Fetch Metadata
 * decides; where the browser is too old to send it, Origin does. A request with neither does not come from a
 * current browser: it passes unless it carries a cookie, because only cookies are sent without the caller's doing.
 */
export function checkOrigin(request: OriginRequest, rules: OriginRules): void {
  if (safeMethods.has(request.method) || request.takesForms) return;
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (request.allowsCors && origin !== undefined && rules.corsOrigins.has(origin)) return;
  if (site !== undefined) {
    if (site === 'same-origin' || site === 'none') return;
    throw kernelErrors.CROSS_SITE_REFUSED();
  }
  if (origin !== undefined) {
    if (isOwnOrigin(origin, request.host, rules.publicOrigin)) return;
    throw kernelErrors.CROSS_SITE_REFUSED();
  }
  if (request.headers.cookie !== undefined) {
    throw kernelErrors.CROSS_SITE_REFUSED({
      detail: 'A request with a cookie must say where it comes from: send an Origin header.',
    });
  }
}

function isOwnOrigin(origin: string, host: string, publicOrigin: string | undefined): boolean {
  if (origin === publicOrigin) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
