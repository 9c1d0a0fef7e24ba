/** A limit holds whatever happens to the shared store: when it is slow or gone, this process counts on by itself. */
import { createHash } from 'node:crypto';
import { CircuitState, ConsecutiveBreaker, TimeoutStrategy, circuitBreaker, handleAll, timeout, wrap } from 'cockatiel';
import type { Config } from '#kernel/config';
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';
import type { Count, CounterStore } from './counter-store.ts';
import { createMemoryStore, MemoryCounters } from './memory-counters.ts';
import { createPostgresStore } from './postgres-store.ts';
import { createRedisStore } from './redis-store.ts';
import { countSliding, slidingCounters } from './sliding-window.ts';
import type { LimitRule, LimitState, Limiter, LimiterCounters } from './types.ts';

export interface LimiterOptions {
  readonly config: Pick<Config, 'limits' | 'redisUrl'>;
  readonly db: Pick<Database, 'withSystem' | 'isEmbedded'>;
  readonly log: Logger;
  /** How long a request waits for the shared store before it is counted locally. Default 150. */
  readonly storeTimeoutMilliseconds?: number;
  /** How long the store is left alone after it failed three times in a row. Default 1,000. */
  readonly retryAfterMilliseconds?: number;
}

const failuresBeforeLocal = 3;

function chooseStore({ config, db }: LimiterOptions, timeoutMilliseconds: number): CounterStore {
  if (config.redisUrl) return createRedisStore(config.redisUrl, timeoutMilliseconds);
  return db.isEmbedded ? createMemoryStore() : createPostgresStore(db);
}

/** counterKey names a counter; what is counted (an address, an account) is digested, so no store holds personal data. */
function counterKey(rule: LimitRule, key: string): string {
  const digest = createHash('sha256').update(key).digest('base64url').slice(0, 22);
  return `${rule.name}:${rule.windowSeconds}:${digest}`;
}

/**
 * createLimiter chooses the store (Redis when configured, memory when embedded, else PostgreSQL) and gives it a moment
 * to connect. Fixed windows start with the first take of a key.
 */
export async function createLimiter(options: LimiterOptions): Promise<Limiter> {
  const store = chooseStore(options, options.storeTimeoutMilliseconds ?? 150);
  const limiter = new StoreLimiter(store, options);
  await limiter.awaitStore();
  return limiter;
}

class StoreLimiter implements Limiter {
  readonly #store: CounterStore;
  readonly #options: LimiterOptions;
  readonly #deadline;
  readonly #breaker;
  /** The way to the store for requests: bounded in time, and closed while the store is known to be down. */
  readonly #guarded;
  /** Every take is mirrored here, so that an outage begins with what this process already knows. */
  readonly #local = new MemoryCounters();
  /** Points counted only locally; each is handed in with its key's next take once the store is back. */
  readonly #owed = new MemoryCounters();
  readonly #counters = { taken: 0, refused: 0, storeFailures: 0, countedLocally: 0 };
  #probe: NodeJS.Timeout | undefined;

  constructor(store: CounterStore, options: LimiterOptions) {
    this.#store = store;
    this.#options = options;
    this.#breaker = circuitBreaker(handleAll, {
      halfOpenAfter: options.retryAfterMilliseconds ?? 1_000,
      breaker: new ConsecutiveBreaker(failuresBeforeLocal),
    });
    this.#deadline = timeout(options.storeTimeoutMilliseconds ?? 150, TimeoutStrategy.Aggressive);
    this.#guarded = wrap(this.#breaker, this.#deadline);
    this.#breaker.onFailure(() => {
      this.#counters.storeFailures += 1;
    });
    this.#breaker.onBreak((reason) => this.#startProbing('error' in reason ? reason.error : undefined));
    this.#breaker.onReset(() => this.#stopProbing());
  }

  get storeName(): CounterStore['name'] {
    return this.#store.name;
  }

  get isDegraded(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  get counters(): LimiterCounters {
    return { ...this.#counters };
  }

  /** Waits until the store answers once, a second at most, so that a start does not begin by counting locally. */
  async awaitStore(): Promise<void> {
    const deadline = Date.now() + 1_000;
    while (Date.now() < deadline) {
      try {
        return await this.#deadline.execute(() => this.#store.ping());
      } catch {
        // Still connecting, or down: the takes that follow find out and count locally.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async take(declared: LimitRule, key: string, cost = 1): Promise<LimitState> {
    const rule = this.ruleOf(declared);
    const counter = counterKey(rule, key);
    const count = await this.#countAs(rule, counter, cost);
    const isAllowed = count.used <= rule.max;
    this.#counters.taken += 1;
    if (!isAllowed) this.#counters.refused += 1;
    return {
      rule,
      isAllowed,
      remaining: Math.max(0, Math.floor(rule.max - count.used)),
      resetSeconds: Math.max(1, Math.ceil(count.leftMilliseconds / 1000)),
    };
  }

  async reset(declared: LimitRule, key: string): Promise<void> {
    const rule = this.ruleOf(declared);
    const counter = counterKey(rule, key);
    const counters = rule.kind === 'sliding' ? slidingCounters(counter, rule.windowSeconds) : [counter];
    await Promise.all(counters.map((one) => this.#clear(one)));
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
    this.#local.close();
    this.#owed.close();
    await this.#store.close();
  }

  ruleOf(rule: LimitRule): LimitRule {
    const { family = rule.name, kind, name } = rule;
    const { limits } = this.#options.config;
    const { max, windowSeconds } = limits[name] ?? limits[family] ?? rule;
    return { name, max, windowSeconds, ...(kind ? { kind } : {}) };
  }

  #countAs(rule: LimitRule, counter: string, cost: number): Promise<Count> {
    if (rule.kind !== 'sliding') return this.#count(counter, cost, rule.windowSeconds);
    return countSliding((name, points, seconds) => this.#count(name, points, seconds), rule, counter, cost);
  }

  async #clear(counter: string): Promise<void> {
    this.#local.clear(counter);
    this.#owed.clear(counter);
    if (this.#store.name === 'memory') return this.#store.clear(counter);
    // While the store is down its count stays: stricter than meant, never looser.
    await this.#guarded.execute(() => this.#store.clear(counter)).catch(() => undefined);
  }

  async #count(counter: string, cost: number, windowSeconds: number): Promise<Count> {
    if (this.#store.name === 'memory') return this.#store.add(counter, cost, windowSeconds);
    const local = this.#local.add(counter, cost, windowSeconds);
    const owed = this.#owed.take(counter);
    try {
      return await this.#guarded.execute(() => this.#store.add(counter, cost + owed, windowSeconds));
    } catch {
      // Down, slow or breaker open: logged and counted by the breaker's hooks; a late answer counts twice, never less.
      this.#counters.countedLocally += 1;
      this.#owed.add(counter, cost + owed, windowSeconds);
      return local;
    }
  }

  #startProbing(cause: unknown): void {
    if (this.#probe) return;
    this.#options.log.warn(
      { store: this.#store.name, err: cause },
      'the shared store of rate limits is down; this process counts by itself until it is back',
    );
    this.#probe = setInterval(() => {
      // Fails while the store is down, and the breaker counts it; nobody else waits for the answer.
      this.#guarded.execute(() => this.#store.ping()).catch(() => undefined);
    }, this.#options.retryAfterMilliseconds ?? 1_000);
    this.#probe.unref();
  }

  #stopProbing(): void {
    // Calls that began before the outage may end well during it and report the return twice.
    if (!this.#probe) return;
    clearInterval(this.#probe);
    this.#probe = undefined;
    this.#options.log.info({ store: this.#store.name }, 'the shared store of rate limits is back');
  }
}
