/** The door of rate limits. */
export { addressKey } from './address-key.ts';
export { createLimiter } from './create-limiter.ts';
export type { LimiterOptions } from './create-limiter.ts';
export { rateLimitHeaders, violatedPolicies } from './rate-limit-headers.ts';
export type { LimitRule, LimitState, Limiter, LimiterCounters } from './types.ts';
