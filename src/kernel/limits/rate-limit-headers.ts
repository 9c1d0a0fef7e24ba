/** Answers say which limits apply and how much is left, in the fields of draft-ietf-httpapi-ratelimit-headers-10. */
import type { LimitState } from './types.ts';

/** quoteName renders a structured-field string (RFC 9651); rule names are ASCII by construction. */
function quoteName(name: string): string {
  return `"${name.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`;
}

/**
 * rateLimitHeaders renders `ratelimit-policy`, `ratelimit` and, when one of the limits refused, `retry-after` in
 * seconds: the longest wait among those that refused. Gives nothing when no limit was asked.
 */
export function rateLimitHeaders(states: readonly LimitState[]): Record<string, string> {
  if (states.length === 0) return {};
  const refused = states.filter((state) => !state.isAllowed);
  return {
    'ratelimit-policy': states
      .map(({ rule }) => `${quoteName(rule.name)};q=${rule.max};w=${rule.windowSeconds}`)
      .join(', '),
    ratelimit: states
      .map((state) => `${quoteName(state.rule.name)};r=${state.remaining};t=${state.resetSeconds}`)
      .join(', '),
    ...(refused.length > 0 ? { 'retry-after': String(Math.max(...refused.map((state) => state.resetSeconds))) } : {}),
  };
}

/** violatedPolicies names the limits that refused, for the problem document of a 429 (`violated-policies`). */
export function violatedPolicies(states: readonly LimitState[]): string[] {
  return states.filter((state) => !state.isAllowed).map((state) => state.rule.name);
}
