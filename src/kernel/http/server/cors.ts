/** A foreign origin may call a route only when the route says so and the operator listed the origin (K8.2). */
import type { OriginRules } from './origin-check.ts';
import type { HeaderList } from './security-headers.ts';
import type { Route } from '../types.ts';

const none: HeaderList = [];

/** corsHeaders are the fields of an answer to a foreign origin; cookies are never offered across origins. */
export function corsHeaders(route: Pick<Route, 'cors'>, origin: string | undefined, rules: OriginRules): HeaderList {
  if (!route.cors) return none;
  const vary = ['vary', 'origin'] as const;
  if (origin === undefined || !rules.corsOrigins.has(origin)) return [vary];
  return [
    vary,
    ['access-control-allow-origin', origin],
    ['cross-origin-resource-policy', 'cross-origin'],
    ['access-control-expose-headers', 'ratelimit, ratelimit-policy, retry-after, x-request-id'],
  ];
}

/** preflightHeaders answer an OPTIONS request for a route that allows CORS. */
export function preflightHeaders(
  methods: readonly string[],
  origin: string | undefined,
  rules: OriginRules,
): HeaderList {
  if (origin === undefined || !rules.corsOrigins.has(origin)) return [['vary', 'origin']];
  return [
    ['vary', 'origin'],
    ['access-control-allow-origin', origin],
    ['access-control-allow-methods', methods.join(', ')],
    ['access-control-allow-headers', 'content-type, idempotency-key, last-event-id'],
    ['access-control-max-age', '600'],
  ];
}
