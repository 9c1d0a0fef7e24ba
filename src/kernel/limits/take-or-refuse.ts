/** Counts a try whose key is known only from the body, and refuses as the route's own limit does (K4.1). */
import { kernelErrors } from '#kernel/errors';
import type { RequestContext } from '#kernel/http';
import { rateLimitHeaders, violatedPolicies } from './rate-limit-headers.ts';
import type { LimitRule } from './types.ts';

/** takeOrRefuse throws RATE_LIMITED with `detail` beyond the limit. */
export async function takeOrRefuse(
  ctx: Pick<RequestContext, 'services' | 'setHeader'>,
  rule: LimitRule,
  key: string,
  detail: string,
): Promise<void> {
  const state = await ctx.services.limits.take(rule, key);
  if (state.isAllowed) return;
  for (const [name, value] of Object.entries(rateLimitHeaders([state]))) ctx.setHeader(name, value);
  throw kernelErrors.RATE_LIMITED({
    detail,
    retryAfterSeconds: state.resetSeconds,
    extensions: { 'violated-policies': violatedPolicies([state]) },
  });
}
