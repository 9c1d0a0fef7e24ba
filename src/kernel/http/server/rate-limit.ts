/** Every answer says how often its caller may come back, and a caller that comes too often is told when to return (K4.1). */
import type { Principal } from '#kernel/auth';
import { kernelErrors } from '#kernel/errors';
import { addressKey, rateLimitHeaders, violatedPolicies, type Limiter, type LimitRule } from '#kernel/limits';
import type { Limit } from '../types.ts';

/** refusedRule counts what never reached a route: unknown addresses, and callers who may not use the route they asked for. */
export const refusedRule: LimitRule & Limit = { name: 'kernel.refused', max: 300, windowSeconds: 60, by: 'address' };

/** limitKey says who is counted. Without a principal there is only the address. */
export function limitKey(by: Limit['by'], principal: Principal | null, address: string): string {
  if (by === 'user' && principal) return `user:${principal.userId}`;
  if (by === 'tenant' && principal) return `tenant:${principal.tenantId}`;
  return `address:${addressKey(address)}`;
}

/** takeOrRefuse counts one call. `announce` receives the RateLimit fields either way. Throws RATE_LIMITED beyond the limit. */
export async function takeOrRefuse(
  limits: Limiter,
  rule: LimitRule,
  key: string,
  announce: (name: string, value: string) => void,
): Promise<void> {
  const state = await limits.take(rule, key);
  for (const [name, value] of Object.entries(rateLimitHeaders([state]))) announce(name, value);
  if (state.isAllowed) return;
  throw kernelErrors.RATE_LIMITED({
    retryAfterSeconds: state.resetSeconds,
    extensions: { 'violated-policies': violatedPolicies([state]) },
  });
}
