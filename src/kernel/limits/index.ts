/** The door of rate limits. */
export { addressKey } from './address-key.ts';
export { createLimiter } from './create-limiter.ts';
export type { LimiterOptions } from './create-limiter.ts';
export { agentChatByPlan, ruleOfPlan, sharedRules } from './default-rules.ts';
export { rateLimitHeaders, violatedPolicies } from './rate-limit-headers.ts';
export { takeOrRefuse } from './take-or-refuse.ts';
export type { LimitRule, LimitState, Limiter, LimiterCounters, PlanLimit } from './types.ts';
