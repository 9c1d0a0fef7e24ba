/** A test of a connection is a real, tiny call, and its outcome is something to read, never an exception. */
import type { AppError } from '#kernel/errors';
import { toModelError } from './adapters/provider-error.ts';
import type { Adapter, Endpoint } from './adapters/types.ts';
import { llmErrors } from './errors.ts';
import type { TestOutcome } from './types.ts';

const testMilliseconds = 30_000;
const maxOutputTokens = 16;

function toProblem(error: AppError): TestOutcome['problem'] {
  return { code: error.code, detail: error.options.detail ?? error.definition.public, isRetryable: error.isRetryable };
}

async function listQuietly(
  adapter: Adapter,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<readonly string[] | AppError> {
  try {
    return await adapter.listModels(endpoint, signal);
  } catch (error) {
    return toModelError(error, false);
  }
}

async function askOnce(adapter: Adapter, endpoint: Endpoint, model: string, signal: AbortSignal): Promise<void> {
  const messages = [{ role: 'user' as const, content: 'Say OK.' }];
  const call = {
    endpoint,
    model,
    messages,
    passages: [],
    tools: [],
    temperature: undefined,
    maxOutputTokens,
    signal,
    onAlive: () => undefined,
  };
  for await (const parts of adapter.open(call)) {
    if (parts.length > 0) return; // the first sign of an answer is enough
  }
  throw llmErrors.MODEL_BAD_RESPONSE();
}

/** testEndpoint lists models and asks one of them. An endpoint that cannot list passes when it can answer. */
export async function testEndpoint(
  adapter: Adapter,
  endpoint: Endpoint,
  wanted: string | undefined,
): Promise<TestOutcome> {
  const startedAt = performance.now();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), testMilliseconds);
  const outcome = (part: Pick<TestOutcome, 'model' | 'modelCount'>, error: AppError | null): TestOutcome => ({
    isOk: error === null,
    latencyMilliseconds: Math.round(performance.now() - startedAt),
    ...part,
    problem: error && toProblem(error),
  });
  try {
    const listed = await listQuietly(adapter, endpoint, timeout.signal);
    const models = listed instanceof Error ? null : listed;
    const modelCount = models?.length ?? null;
    const model = wanted ?? models?.[0] ?? null;
    if (model === null) {
      const error =
        listed instanceof Error
          ? listed
          : llmErrors.MODEL_NOT_FOUND({ detail: 'The endpoint offers no model yet. Load one there first.' });
      return outcome({ model, modelCount }, error);
    }
    try {
      await askOnce(adapter, endpoint, model, timeout.signal);
      return outcome({ model, modelCount }, null);
    } catch (error) {
      const known = timeout.signal.aborted ? llmErrors.MODEL_TIMEOUT() : toModelError(error, false);
      return outcome({ model, modelCount }, known);
    }
  } finally {
    clearTimeout(timer);
  }
}
