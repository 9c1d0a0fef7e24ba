/** One call from slot to record: whatever happens to it, its slot is freed, its provider let go, and it is recorded once. */
import type { AppError } from '#kernel/errors';
import type { CallRecord } from './call-recorder.ts';
import type { Price } from './connection-store.ts';
import { estimateMessages } from './fit-to-context.ts';
import type { AdapterPart, TokenCounts } from './adapters/types.ts';
import type { ChatMessage, ModelRequest, StreamPart, Usage } from './types.ts';

/** costOf counts cached input at its own price; half a millionth rounds up. Null without a price. */
export function costOf(tokens: TokenCounts, price: Price | undefined): number | null {
  if (!price) return null;
  const fresh = tokens.inputTokens - tokens.cachedInputTokens;
  return Math.round(
    (fresh * price.input + tokens.cachedInputTokens * price.cachedInput + tokens.outputTokens * price.output) /
      1_000_000,
  );
}

/** CallMeter sees every part go by and knows at any moment what the call has used. */
export class CallMeter {
  readonly #startedAt = performance.now();
  #firstPartAt: number | null = null;
  #characters = 0;
  #tokens: TokenCounts | null = null;
  /** The prompt as sent, for the estimate. */
  prompt: readonly ChatMessage[] = [];
  price: Price | undefined;
  attempts = 0;

  /** see counts a part and turns the adapter's usage into ours; null for parts that are not for the caller. */
  see(part: AdapterPart): StreamPart | null {
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') {
      this.#firstPartAt ??= performance.now();
      this.#characters += part.text.length;
      return part;
    }
    if (part.type === 'tool-call') {
      this.#firstPartAt ??= performance.now();
      this.#characters += part.call.name.length + part.call.arguments.length;
      return part;
    }
    if (part.type === 'usage') {
      this.#tokens = part.tokens;
      return null;
    }
    return part;
  }

  /** usage gives the provider's figures, or an estimate when it gave none. */
  usage(): Usage {
    const tokens = this.#tokens ?? {
      // Nothing was read if the request never left.
      inputTokens: this.attempts > 0 ? estimateMessages(this.prompt) : 0,
      cachedInputTokens: 0,
      outputTokens: Math.ceil(this.#characters / 4),
    };
    return {
      ...tokens,
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
    ...tokens,
    costMicros,
    firstTokenMs: firstTokenMilliseconds,
    durationMs: durationMilliseconds,
    attempts: meter.attempts,
    outcome,
  };
}
