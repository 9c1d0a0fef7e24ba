/** Every answer says how often its caller may come back, and a caller that comes too often is told when to return (K4.1). */
import type { Services } from '#kernel/app';
import type { Principal } from '#kernel/auth';
import { kernelErrors } from '#kernel/errors';
import {
  addressKey,
  rateLimitHeaders,
  ruleOfPlan,
  violatedPolicies,
  type Limiter,
  type LimitRule,
  type PlanLimit,
} from '#kernel/limits';
import type { Limit } from '../types.ts';

/** refusedRule counts what never reached a route: unknown addresses, and callers who may not use the route they asked for. */
export const refusedRule: LimitRule & Limit = { name: 'kernel.refused', max: 300, windowSeconds: 60, by: 'address' };

/** limitKey says who is counted. Without a principal there is only the address; an API key is counted apart from its person. */
export function limitKey(by: Limit['by'], principal: Principal | null, address: string): string {
  if (by === 'user' && principal?.via.kind === 'key') return `key:${principal.via.keyId}`;
  if (by === 'user' && principal) return `user:${principal.userId}`;
  if (by === 'tenant' && principal) return `tenant:${principal.tenantId}`;
  return `address:${addressKey(address)}`;
}

/** Take is one limit to be counted and for whom. */
export type Take = readonly [rule: LimitRule, key: string];

/** planAllowance is what the caller's organisation may do by its plan; nothing for routes without such a limit. */
export async function planAllowance(
  { credits }: Pick<Services, 'credits'>,
  limit: PlanLimit | undefined,
  principal: Principal | null,
): Promise<readonly Take[]> {
  if (!limit || !principal) return [];
  const plan = await credits.planOf(principal.tenantId);
  return [[ruleOfPlan(limit, plan), `tenant:${principal.tenantId}`]];
}

/** keyAllowance is what an API key may do in all, whichever routes it uses (K2.7); nothing for others. */
export function keyAllowance(principal: Principal | null): readonly Take[] {
  if (principal?.via.kind !== 'key') return [];
  const { keyId, requestsPerMinute } = principal.via;
  return [[{ name: 'auth.api-key', max: requestsPerMinute, windowSeconds: 60 }, `key:${keyId}`]];
}

/**
 * takeOrRefuse counts one call: of `own` limits first, and of those `shared` with others only what these let through, so
 * that nobody who asks on and on uses up what the others may. `announce` receives the RateLimit fields either way. Throws
 * RATE_LIMITED beyond a limit.
 */
export async function takeOrRefuse(
  limits: Limiter,
  { own, shared = [] }: { readonly own: readonly Take[]; readonly shared?: readonly Take[] },
  announce: (name: string, value: string) => void,
): Promise<void> {
  const ownStates = await Promise.all(own.map(([rule, key]) => limits.take(rule, key)));
  const cost = ownStates.every(({ isAllowed }) => isAllowed) ? 1 : 0;
  const states = [...ownStates, ...(await Promise.all(shared.map(([rule, key]) => limits.take(rule, key, cost))))];
  for (const [name, value] of Object.entries(rateLimitHeaders(states))) announce(name, value);
  const refused = states.filter((state) => !state.isAllowed);
  if (refused.length === 0) return;
  throw kernelErrors.RATE_LIMITED({
    retryAfterSeconds: Math.max(...refused.map((state) => state.resetSeconds)),
    extensions: { 'violated-policies': violatedPolicies(states) },
  });
}
