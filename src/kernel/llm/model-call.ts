/** One call from slot to record: whatever happens to it, its slot is freed, its provider let go, and it is recorded once. */
import type { AppError } from '#kernel/errors';
import type { CallRecord } from './call-recorder.ts';
import type { Price } from './connection-store.ts';
import { estimatePrompt } from './fit-to-context.ts';
import type { AdapterPart, TokenCounts } from './adapters/types.ts';
import type { ChatMessage, ModelRequest, StreamPart, ToolDefinition, Usage } from './types.ts';

/** costOf counts what was read from and written to the provider's cache at their own prices; half a millionth rounds up. Null without a price. */
export function costOf(tokens: TokenCounts, price: Price | undefined): number | null {
  if (!price) return null;
  const { cacheWriteInputTokens: written = 0, cachedInputTokens: cached, inputTokens, outputTokens } = tokens;
  const cost =
    (inputTokens - cached - written) * price.input +
    cached * price.cachedInput +
    written * (price.cacheWriteInput ?? price.input) +
    outputTokens * price.output;
  return Math.round(cost / 1_000_000);
}

/** worstCostOf assumes the dearest kind of input throughout, and rounds up; 0 without a price. */
export function worstCostOf(inputTokens: number, outputTokens: number, price: Price | undefined): number {
  if (!price) return 0;
  const input = Math.max(price.input, price.cachedInput, price.cacheWriteInput ?? 0);
  return Math.ceil((inputTokens * input + outputTokens * price.output) / 1_000_000);
}

const turnedAway: ReadonlySet<string> = new Set([
  'MODEL_RATE_LIMITED',
  'MODEL_BAD_KEY',
  'MODEL_QUOTA_EXHAUSTED',
  'MODEL_BAD_REQUEST',
  'MODEL_CONTEXT_EXCEEDED',
  'MODEL_NOT_FOUND',
  'MODEL_OVERLOADED',
  'MODEL_UNREACHABLE',
  'MODEL_ADDRESS_FORBIDDEN',
  'BUDGET_EXHAUSTED',
]);

/** CallMeter sees every part go by and knows at any moment what the call has used. */
export class CallMeter {
  readonly #startedAt = performance.now();
  #firstPartAt: number | null = null;
  /** Of UTF-8: what is not English has more tokens than letters suggest. */
  #bytes = 0;
  #tokens: TokenCounts | null = null;
  /** The prompt as sent, for the estimate. */
  prompt: readonly ChatMessage[] = [];
  tools: readonly ToolDefinition[] = [];
  price: Price | undefined;
  attempts = 0;
  /** What was held for this call under budgets; null when none binds it. */
  reservationId: string | null = null;

  /** fail notes how the call ended: what a provider turned away before its first part is not charged. */
  fail(error: AppError): void {
    if (this.#firstPartAt === null && turnedAway.has(error.code)) {
      this.#tokens ??= { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
    }
  }

  /** see counts a part and turns the adapter's usage into ours; null for parts that are not for the caller. */
  see(part: AdapterPart): StreamPart | null {
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') {
      this.#firstPartAt ??= performance.now();
      this.#bytes += Buffer.byteLength(part.text);
      return part;
    }
    if (part.type === 'tool-call') {
      this.#firstPartAt ??= performance.now();
      this.#bytes += Buffer.byteLength(part.call.name) + Buffer.byteLength(part.call.arguments);
      return part;
    }
    if (part.type === 'usage') {
      this.#tokens = part.tokens;
      return null;
    }
    return part;
  }

  get cacheWriteInputTokens(): number {
    return this.#tokens?.cacheWriteInputTokens ?? 0;
  }

  /** usage gives the provider's figures, or an estimate when it gave none. */
  usage(): Usage {
    const tokens = this.#tokens ?? {
      // Nothing was read if the request never left.
      inputTokens: this.attempts > 0 ? estimatePrompt(this.prompt, this.tools) : 0,
      cachedInputTokens: 0,
      outputTokens: Math.ceil(this.#bytes / 4),
    };
    const { cachedInputTokens, inputTokens, outputTokens } = tokens;
    return {
      inputTokens,
      cachedInputTokens,
      outputTokens,
      isEstimated: this.#tokens === null,
      costMicros: costOf(tokens, this.price),
      firstTokenMilliseconds: this.#firstPartAt === null ? null : Math.round(this.#firstPartAt - this.#startedAt),
      durationMilliseconds: Math.round(performance.now() - this.#startedAt),
    };
  }
}

/** toRecord makes the row of a call that ended; `error` null means it ended well. */
export function toRecord(request: ModelRequest, meter: CallMeter, error: AppError | null): CallRecord {
  const { costMicros, durationMilliseconds, firstTokenMilliseconds, ...tokens } = meter.usage();
  const outcome = error === null ? 'ok' : error.code === 'MODEL_ABORTED' ? 'aborted' : error.code;
  return {
    tenantId: request.scope.tenantId,
    userId: request.scope.userId ?? null,
    app: request.app,
    subjectId: request.subjectId ?? null,
    runId: request.runId ?? null,
    connectionId: request.model.connectionId,
    model: request.model.model,
    keyId: request.keyId ?? null,
    ...tokens,
    cacheWriteInputTokens: meter.cacheWriteInputTokens,
    costMicros,
    firstTokenMs: firstTokenMilliseconds,
    durationMs: durationMilliseconds,
    attempts: meter.attempts,
    outcome,
    reservationId: meter.reservationId,
  };
}
