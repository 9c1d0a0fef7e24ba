/** The door of rate limits. */
export type { LimitRule, LimitState, Limiter } from './types.ts';
