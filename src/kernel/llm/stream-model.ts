/** Streams one model's answer under its connection's policies; failures are errors of the llm table, never parts. */
import type { Config } from '#kernel/config';
import type { Credits } from '#kernel/credits';
import { isAppError, kernelErrors, type AppError } from '#kernel/errors';
import type { Logger } from '#kernel/log';
import { timeoutOf, toModelError } from './adapters/provider-error.ts';
import type { Adapter, AdapterCall, AdapterPart } from './adapters/types.ts';
import type { CallRecorder } from './call-recorder.ts';
import type { ReadyConnection } from './connection-store.ts';
import { llmErrors } from './errors.ts';
import { answerTokens, preparePrompt, worstTokens } from './fit-to-context.ts';
import { CallMeter, toRecord, worstCostOf } from './model-call.ts';
import type { ConnectionPolicies } from './policies.ts';
import type { ModelRequest, StreamPart } from './types.ts';
import { Watchdog } from './watchdog.ts';

export type StreamConfig = Pick<Config, 'modelFirstTokenTimeoutMs' | 'modelIdleTimeoutMs' | 'modelTotalTimeoutMs'>;

/** Target is what a model reference resolves to. */
export interface Target {
  /** Null for the offline model: it needs neither slots nor retries. */
  readonly policies: ConnectionPolicies | null;
  readonly adapter: Adapter;
  readonly connection: ReadyConnection;
}

export interface StreamServices {
  readonly config: StreamConfig;
  readonly log: Logger;
  readonly credits: Pick<Credits, 'reserve'>;
  readonly recorder: Pick<CallRecorder, 'record'>;
  readonly resolve: (request: ModelRequest) => Promise<Target>;
}

type Batches = AsyncIterator<readonly AdapterPart[]>;

/** Opened is an answer whose first parts have arrived. */
interface Opened {
  readonly first: readonly AdapterPart[];
  readonly rest: Batches;
}

/** CallControl ends a call from three sides: the caller's signal, the watchdog, and the consumer leaving. */
class CallControl {
  readonly #controller = new AbortController();
  readonly #request: ModelRequest;
  readonly #onAbort = (): void => this.end(llmErrors.MODEL_ABORTED({ cause: this.#request.signal?.reason }));
  readonly #times: StreamConfig;
  #watchdog: Watchdog | null = null;
  #lastFailure: AppError | null = null;
  #release: (() => void) | null = null;

  constructor(request: ModelRequest, times: StreamConfig) {
    this.#request = request;
    this.#times = times;
    if (request.signal?.aborted) this.#onAbort();
    else request.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** start begins the clock; waiting for a slot does not count. */
  start(release: () => void): void {
    this.#release = release;
    const { modelFirstTokenTimeoutMs, modelIdleTimeoutMs, modelTotalTimeoutMs } = this.#times;
    this.#watchdog = new Watchdog(
      {
        firstTokenMilliseconds: modelFirstTokenTimeoutMs,
        idleMilliseconds: modelIdleTimeoutMs,
        totalMilliseconds: modelTotalTimeoutMs,
      },
      // Between two tries it is the failure of the last one that matters, not that time ran out while we waited.
      (phase) => this.end(this.#lastFailure ?? timeoutOf(phase)),
    );
  }

  /** noteTry notes that a request is under way (null), or how the last one failed. */
  noteTry(lastFailure: AppError | null): void {
    this.#lastFailure = lastFailure;
  }

  readonly alive = (): void => this.#watchdog?.alive();

  begin(): void {
    this.#watchdog?.begin();
  }

  /** end frees the slot at once, even when the consumer never comes back for the next part. */
  end(reason: AppError | null): void {
    this.#watchdog?.stop();
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#release?.();
    this.#release = null;
    if (reason) this.#controller.abort(reason);
  }
}

function toCall(request: ModelRequest, target: Target, meter: CallMeter, control: CallControl): AdapterCall {
  const { maxOutputTokens, messages, passages = [], temperature, tools = [] } = request;
  const isOffline = target.connection.endpoint.kind === 'offline';
  const window = { contextWindowTokens: target.connection.contextWindowTokens, maxOutputTokens, tools };
  // The offline model is given the question as it was asked: it quotes the passages themselves.
  const prompt = isOffline ? [...messages] : preparePrompt(messages, passages, window);
  meter.prompt = prompt;
  meter.tools = tools;
  meter.price = target.connection.prices.get(request.model.model);
  return {
    endpoint: target.connection.endpoint,
    model: request.model.model,
    messages: prompt,
    passages,
    tools,
    temperature,
    maxOutputTokens,
    signal: control.signal,
    onAlive: control.alive,
  };
}

/** openOnce asks once and waits for the first parts. */
async function openOnce(adapter: Adapter, call: AdapterCall, meter: CallMeter, control: CallControl): Promise<Opened> {
  meter.attempts += 1;
  control.noteTry(null);
  try {
    const rest = adapter.open(call)[Symbol.asyncIterator]();
    const result = await rest.next();
    if (result.done) throw llmErrors.MODEL_BAD_RESPONSE({ internal: 'the adapter gave no part' });
    return { first: result.value, rest };
  } catch (error) {
    // The breaker has to see the timeout that ended the call, not the abort it caused.
    const failure = toFinalError(error, call.signal, false);
    control.noteTry(failure);
    throw failure;
  }
}

/** ReservationFailed carries what kept credits from answering: a database that is away is no fault of the model's. */
class ReservationFailed extends Error {}

/** reserve holds the call's worst case; under a budget nothing may be written beyond what was held for it. */
async function reserve(
  { credits }: Pick<StreamServices, 'credits'>,
  request: ModelRequest,
  { contextWindowTokens }: ReadyConnection,
  call: AdapterCall,
  meter: CallMeter,
): Promise<AdapterCall> {
  const inputTokens = worstTokens(call.messages, call.tools);
  const maxOutputTokens = answerTokens({ contextWindowTokens, maxOutputTokens: request.maxOutputTokens });
  const { app, keyId, scope, subjectId } = request;
  const costMicros = worstCostOf(inputTokens, maxOutputTokens, meter.price);
  try {
    const worst = { scope, app, subjectId, keyId, costMicros, tokens: inputTokens + maxOutputTokens };
    meter.reservationId = await credits.reserve(worst);
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    throw new ReservationFailed('credits could not be reserved', { cause });
  }
  return meter.reservationId === null ? call : { ...call, maxOutputTokens };
}

async function openTarget(
  services: StreamServices,
  request: ModelRequest,
  target: Target,
  meter: CallMeter,
  control: CallControl,
): Promise<Opened> {
  const { adapter, connection, policies } = target;
  control.signal.throwIfAborted();
  control.start(policies ? await policies.acquireSlot(control.signal) : () => undefined);
  const prepared = toCall(request, target, meter, control);
  if (!policies) return openOnce(adapter, prepared, meter, control);
  const call = await reserve(services, request, connection, prepared, meter);
  control.signal.throwIfAborted();
  return policies.untilFirstPart(() => openOnce(adapter, call, meter, control), control.signal);
}

/** toFinalError prefers the reason we ended the call for over what the adapter made of it. */
function toFinalError(error: unknown, signal: AbortSignal, hasBegun: boolean): AppError {
  if (signal.aborted && isAppError(signal.reason)) return signal.reason;
  if (isAppError(error) && error.code === 'BUDGET_EXHAUSTED') return error;
  if (error instanceof ReservationFailed) return kernelErrors.UNAVAILABLE({ cause: error });
  return toModelError(error, hasBegun);
}

/**
 * streamModel yields the answer of the request's own model, ignoring fallbacks. Ends with `usage` and `finish`, or with
 * `usage` and the error. The call is recorded when it ends, fails, is aborted, or its consumer stops reading.
 */
export async function* streamModel(services: StreamServices, request: ModelRequest): AsyncGenerator<StreamPart> {
  const meter = new CallMeter();
  const control = new CallControl(request, services.config);
  // Undefined until it is known: a consumer that just stops reading leaves it so.
  let outcome: AppError | null | undefined;
  let hasBegun = false;
  try {
    const target = await services.resolve(request);
    const { first, rest } = await openTarget(services, request, target, meter, control);
    control.begin();
    for (let batch = first; ;) {
      for (const part of batch) {
        const seen = meter.see(part);
        if (seen === null) continue;
        hasBegun = true;
        if (seen.type === 'finish') {
          outcome = null;
          control.end(null);
          yield { type: 'usage', usage: meter.usage() };
        }
        yield seen;
      }
      const next = await rest.next();
      if (next.done) break;
      control.signal.throwIfAborted();
      batch = next.value;
    }
  } catch (error) {
    outcome = toFinalError(error, control.signal, hasBegun);
    meter.fail(outcome);
    // Without the model's name, which people choose; the record of the call has it.
    services.log.info({ err: outcome, connectionId: request.model.connectionId }, 'a model call failed');
    if (meter.attempts > 0) yield { type: 'usage', usage: meter.usage() };
    // Whoever runs this call knows best what to do without a database.
    throw error instanceof ReservationFailed ? error.cause : outcome;
  } finally {
    const ended = outcome === undefined ? llmErrors.MODEL_ABORTED() : outcome;
    control.end(ended);
    services.recorder.record(toRecord(request, meter, ended));
  }
}

/** What the next model of a chain would only fail at in the same way. */
const sameForAll = new Set(['MODEL_ABORTED', 'MODEL_REFUSED', 'MODEL_CONTEXT_EXCEEDED', 'MODEL_BAD_REQUEST']);

/** streamWithFallbacks moves on to the next model only before a first part, and records each model's call by itself. */
export async function* streamWithFallbacks(
  services: StreamServices,
  request: ModelRequest,
): AsyncGenerator<StreamPart> {
  const { fallbacks = [], ...rest } = request;
  const chain = [request.model, ...fallbacks];
  for (const [index, model] of chain.entries()) {
    let hasBegun = false;
    // What a model used that another takes over from is in its own record, and no part of the answer.
    let used: StreamPart | null = null;
    try {
      for await (const part of streamModel(services, { ...rest, model })) {
        if (part.type === 'usage' && !hasBegun) {
          used = part;
          continue;
        }
        hasBegun = true;
        if (used) yield used;
        used = null;
        yield part;
      }
      return;
    } catch (error) {
      const isSameForAll = !isAppError(error) || sameForAll.has(error.code);
      if (!hasBegun && !isSameForAll && index < chain.length - 1) continue;
      if (used) yield used;
      throw error;
    }
  }
}
