/** All resilience of model calls in one place: who may call now, what is tried again, and when an endpoint gets a rest (K11.3). */
import {
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  bulkhead,
  circuitBreaker,
  handleWhen,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  retry,
  wrap,
  type BulkheadPolicy,
  type CircuitBreakerPolicy,
  type IPolicy,
} from 'cockatiel';
import { isAppError, type AppError } from '#kernel/errors';
import { llmErrors } from './errors.ts';

const maxRetries = 2;
const firstDelayMilliseconds = 250;
const maxDelayMilliseconds = 5_000;
const failuresBeforeRest = 8;
const restMilliseconds = 10_000;

/** What another request may mend within seconds. A first-token timeout is not among them: waiting twice helps nobody. */
function isWorthRetrying(error: unknown): boolean {
  if (!isAppError(error)) return false;
  const { extensions, retryAfterSeconds } = error.options;
  if (retryAfterSeconds !== undefined && retryAfterSeconds * 1_000 > maxDelayMilliseconds) return false;
  if (error.code === 'MODEL_TIMEOUT') return extensions?.['phase'] === 'connect';
  return (
    ['MODEL_RATE_LIMITED', 'MODEL_OVERLOADED', 'MODEL_UNREACHABLE', 'MODEL_INTERRUPTED'].includes(error.code) &&
    !extensions?.['isResting']
  );
}

/** What says that the endpoint itself is in trouble, rather than this request. */
function isEndpointFailing(error: unknown): boolean {
  return isAppError(error) && ['MODEL_OVERLOADED', 'MODEL_UNREACHABLE', 'MODEL_TIMEOUT'].includes(error.code);
}

/** delayOf waits as long as the provider asks; else 250 ms doubled each time, of which a random half. */
function delayOf(attempt: number, error: unknown): number {
  const asked = isAppError(error) ? error.options.retryAfterSeconds : undefined;
  if (asked !== undefined) return asked * 1_000 + Math.random() * 250;
  const full = Math.min(firstDelayMilliseconds * 2 ** (attempt - 1), maxDelayMilliseconds);
  return full / 2 + (Math.random() * full) / 2;
}

/** ConnectionPolicies are the policies of one connection, shared by all its calls in this process. */
export interface ConnectionPolicies {
  /** Waits for a slot; the release may be called more than once. Throws MODEL_OVERLOADED when too many wait, or too long. */
  acquireSlot(signal: AbortSignal): Promise<() => void>;
  /** Runs `open`, at most three times, until it has brought a first part. Never after that. */
  untilFirstPart<T>(open: () => Promise<T>, signal: AbortSignal): Promise<T>;
  readonly isResting: boolean;
}

/** raceAbort rejects with MODEL_ABORTED's cause as soon as the signal fires, whatever the promise does. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined); // its outcome no longer interests anybody
    return Promise.reject(signal.reason as Error);
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function crowdedError(): AppError {
  return llmErrors.MODEL_OVERLOADED({ detail: 'Too many calls are waiting for this model connection.' });
}

async function acquire(slots: BulkheadPolicy, waitMilliseconds: number, signal: AbortSignal): Promise<() => void> {
  let timer: NodeJS.Timeout | undefined;
  let release: () => void = () => undefined;
  let isGivenUp = false;
  const acquired = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(crowdedError()), waitMilliseconds);
    slots
      .execute(() => {
        if (isGivenUp) return Promise.resolve();
        resolve();
        return new Promise<void>((done) => (release = done));
      })
      .catch(reject);
  });
  try {
    await raceAbort(acquired, signal);
  } catch (error) {
    isGivenUp = true;
    release();
    throw isBulkheadRejectedError(error) ? crowdedError() : error;
  } finally {
    clearTimeout(timer);
  }
  return () => release();
}

function restingError(): AppError {
  return llmErrors.MODEL_OVERLOADED({
    detail: 'The model endpoint failed several times in a row and is given a short rest before the next try.',
    retryAfterSeconds: restMilliseconds / 1_000,
    extensions: { isResting: true },
  });
}

/** createConnectionPolicies makes the policies of a connection; as many calls as `concurrency` may wait besides. */
export function createConnectionPolicies(concurrency: number, waitMilliseconds: number): ConnectionPolicies {
  const slots = bulkhead(concurrency, concurrency);
  const breaker: CircuitBreakerPolicy = circuitBreaker(handleWhen(isEndpointFailing), {
    halfOpenAfter: restMilliseconds,
    breaker: new ConsecutiveBreaker(failuresBeforeRest),
  });
  const backoff = new DelegateBackoff<{ attempt: number; result: unknown }>(({ attempt, result }) =>
    delayOf(attempt, (result as { error?: unknown }).error),
  );
  const policy: IPolicy = wrap(retry(handleWhen(isWorthRetrying), { maxAttempts: maxRetries, backoff }), breaker);
  return {
    acquireSlot: (signal) => acquire(slots, waitMilliseconds, signal),
    async untilFirstPart(open, signal) {
      try {
        return await raceAbort(policy.execute(open, signal), signal);
      } catch (error) {
        throw isBrokenCircuitError(error) ? restingError() : error;
      }
    },
    get isResting() {
      return breaker.state === CircuitState.Open;
    },
  };
}
