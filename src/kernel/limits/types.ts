/** The shape of rate limiting: one counter per limit and key, shared between processes when a store is configured. */

export interface LimitRule {
  readonly name: string;
  readonly max: number;
  readonly windowSeconds: number;
  /**
   * `fixed` (the default) begins a window with the first take and counts refused ones too; `sliding` weighs the window
   * before by how much of it is still within reach, and does not count what it refuses.
   */
  readonly kind?: 'fixed' | 'sliding';
  /** Name whose override applies when there is none for `name`: `agents.chat` for `agents.chat.pro`. */
  readonly family?: string;
}

/** PlanLimit depends on the organisation's plan; each plan's is overridden as `name.plan`, such as `agents.chat.pro=200/60`. */
export interface PlanLimit {
  readonly name: string;
  readonly byPlan: Readonly<
    Record<'free' | 'pro' | 'enterprise', { readonly max: number; readonly windowSeconds: number }>
  >;
}

export interface LimitState {
  /** The rule as applied, overrides of the configuration included. */
  readonly rule: LimitRule;
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** Whole seconds until the window gives room again. */
  readonly resetSeconds: number;
}

/** LimiterCounters only ever grow; /metrics publishes them. */
export interface LimiterCounters {
  readonly taken: number;
  readonly refused: number;
  /** Calls of the shared store that failed or took too long. */
  readonly storeFailures: number;
  /** Takes that were counted by this process alone because the shared store was down. */
  readonly countedLocally: number;
}

export interface Limiter {
  /** Takes `cost` (default 1) from `rule` for `key`. Never rejects: a dead store falls back to local counting (K4.3). */
  take(rule: LimitRule, key: string, cost?: number): Promise<LimitState>;
  /** The rule as applied: with the configuration's override, if there is one. */
  ruleOf(rule: LimitRule): LimitRule;
  /** Gives back what was taken for something that did not count after all, such as a right password. */
  reset(rule: LimitRule, key: string): Promise<void>;
  /** True while counting locally because the shared store is down. */
  readonly isDegraded: boolean;
  /** Where counters live; `memory` is for a single process. */
  readonly storeName: 'memory' | 'redis' | 'postgres';
  readonly counters: LimiterCounters;
  close(): Promise<void>;
}
