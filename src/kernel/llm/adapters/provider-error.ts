/** Whatever a provider or the network reports becomes one error of the llm table, without the key in it (K6.2). */
import { isAppError, type AppError } from '#kernel/errors';
import type { OutboundResponse } from '#kernel/outbound';
import { llmErrors } from '../errors.ts';

const maxDetail = 300;

/** scrubKey removes the key and whatever looks like one, and cuts to a length that fits a problem document. */
export function scrubKey(text: string, apiKey: string | null): string {
  let clean = text;
  if (apiKey) clean = clean.replaceAll(apiKey, '[key]').replaceAll(encodeURIComponent(apiKey), '[key]');
  clean = clean
    .replace(/\b(?:sk|pk|rk|key|api|AIza|gsk|Bearer)[-_ ]?[\w*.-]{8,}/g, '[key]')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return clean.length > maxDetail ? `${clean.slice(0, maxDetail)}…` : clean;
}

/** ProviderReport is what can be read from an error body. */
interface ProviderReport {
  readonly message: string;
  readonly code: string;
}

/** readReport understands OpenAI ({error: {message, code, type}}), Anthropic, Google ([{error}]), Ollama ({error: text}). */
export function readReport(body: unknown): ProviderReport {
  const root = (Array.isArray(body) ? body[0] : body) as Record<string, unknown> | null;
  if (typeof root !== 'object' || root === null) return { message: '', code: '' };
  const inner = root['error'] ?? root;
  if (typeof inner === 'string') return { message: inner, code: '' };
  const { code, message, status, type } = inner as Record<string, unknown>;
  const codes = [code, type, status].filter((part) => typeof part === 'string' || typeof part === 'number');
  return { message: typeof message === 'string' ? message : '', code: codes.join(' ') };
}

/** parseRetryAfter reads seconds or an HTTP date; whole seconds from now, at most a day. */
export function parseRetryAfter(headers: Readonly<Record<string, string>>, now = Date.now()): number | undefined {
  const milliseconds = Number(headers['retry-after-ms']);
  if (headers['retry-after-ms'] && milliseconds >= 0) return Math.min(Math.ceil(milliseconds / 1_000), 86_400);
  const text = headers['retry-after']?.trim();
  if (!text) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1_000;
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 0), 86_400) : undefined;
}

const contextPattern =
  /context[ _-]?(length|window|size)|maximum context|too many tokens|prompt is too long|exceeds? the (available )?context|input token count/i;
const refusedPattern = /content[ _-]?(filter|policy|management)|safety|responsible.?ai|moderation/i;
const quotaPattern = /insufficient_quota|billing|credit balance|exceeded your current quota|payment/i;

/** A chat shows the sentence only, so that the time to wait has to be in it. */
function rateLimited(internal: string, retryAfterSeconds: number | undefined): AppError {
  if (!retryAfterSeconds) return llmErrors.MODEL_RATE_LIMITED({ internal });
  const detail = `The model provider limits how often it may be asked. Try again in ${retryAfterSeconds} s.`;
  return llmErrors.MODEL_RATE_LIMITED({ detail, internal, retryAfterSeconds });
}

/** errorOfReport maps a status and a report. Status 0 stands for an error inside a stream. */
export function errorOfReport(
  status: number,
  report: ProviderReport,
  options: { apiKey: string | null; retryAfterSeconds?: number },
): AppError {
  const { apiKey, retryAfterSeconds } = options;
  const all = `${report.code} ${report.message}`;
  const said = scrubKey(report.message, apiKey);
  const internal = `provider answered ${status} ${scrubKey(report.code, apiKey)}: ${said}`;
  const withSaid = (sentence: string) => ({ detail: said ? `${sentence} It says: ${said}` : sentence, internal });
  if (contextPattern.test(all)) {
    return llmErrors.MODEL_CONTEXT_EXCEEDED(
      withSaid('The conversation is longer than this model can read. Set the context window of the model connection.'),
    );
  }
  if (status === 402 || quotaPattern.test(all)) return llmErrors.MODEL_QUOTA_EXHAUSTED({ internal });
  if (status === 401 || /invalid_api_key|authentication_error/.test(all)) return llmErrors.MODEL_BAD_KEY({ internal });
  if (status === 429 || /rate_limit|RESOURCE_EXHAUSTED/.test(report.code))
    return rateLimited(internal, retryAfterSeconds);
  if (status < 500 && refusedPattern.test(all)) return llmErrors.MODEL_REFUSED({ internal });
  if (status === 403) {
    return llmErrors.MODEL_BAD_KEY({
      detail: 'The model provider does not let this key do this. An administrator has to correct the model connection.',
      internal,
    });
  }
  if (status === 404 || report.code.includes('model_not_found')) {
    return llmErrors.MODEL_NOT_FOUND(
      withSaid('The endpoint does not know this model or address. OpenAI-compatible addresses usually end in /v1.'),
    );
  }
  if (status === 408 || status === 504)
    return llmErrors.MODEL_TIMEOUT({ detail: 'The model provider gave up waiting for its own model.', internal });
  if (status === 413) return llmErrors.MODEL_CONTEXT_EXCEEDED({ internal });
  if (status >= 500 || status === 409 || /overloaded|server_error|UNAVAILABLE|INTERNAL/.test(report.code)) {
    return llmErrors.MODEL_OVERLOADED({ internal, retryAfterSeconds });
  }
  if (status >= 300 && status < 400) {
    return llmErrors.MODEL_BAD_RESPONSE({
      detail: 'The endpoint redirects elsewhere. Correct the address of the model connection.',
      internal,
    });
  }
  if (status === 405)
    return llmErrors.MODEL_BAD_RESPONSE({
      detail: 'The endpoint does not take this kind of request. Check the address.',
      internal,
    });
  return llmErrors.MODEL_BAD_REQUEST(withSaid('The model provider does not accept this request.'));
}

/** errorOfResponse reads at most what `maxResponseBytes` of the request allows and maps it. Never throws for a bad body. */
export async function errorOfResponse(response: OutboundResponse, apiKey: string | null): Promise<AppError> {
  let body: unknown = null;
  try {
    body = JSON.parse(await response.text());
  } catch {
    // Not JSON, too long or broken off: the status alone has to do.
  }
  return errorOfReport(response.status, readReport(body), {
    apiKey,
    retryAfterSeconds: parseRetryAfter(response.headers),
  });
}

const timeoutDetails: Readonly<Record<string, string>> = {
  connect: 'No connection to the model endpoint within the time allowed.',
  headers: 'The model did not begin to answer in time.',
  idle: 'The model fell silent in the middle of its answer.',
  total: 'The answer took longer than allowed in all.',
};

/** timeoutOf makes MODEL_TIMEOUT for a phase: connect, first-token, idle or total. */
export function timeoutOf(phase: 'connect' | 'first-token' | 'idle' | 'total', cause?: unknown): AppError {
  const detail = phase === 'first-token' ? timeoutDetails['headers'] : timeoutDetails[phase];
  return llmErrors.MODEL_TIMEOUT({ detail, cause, extensions: { phase } });
}

/** toModelError maps errors of the outbound client; errors of the llm table pass. `hasBegun`: parts were already given. */
export function toModelError(error: unknown, hasBegun: boolean): AppError {
  if (!isAppError(error)) {
    return llmErrors.MODEL_BAD_RESPONSE({ internal: 'the adapter failed', cause: error });
  }
  switch (error.code) {
    case 'OUTBOUND_TIMEOUT': {
      const phase = error.options.extensions?.['phase'];
      return timeoutOf(phase === 'connect' || phase === 'idle' || phase === 'total' ? phase : 'first-token', error);
    }
    case 'OUTBOUND_ADDRESS_FORBIDDEN':
    case 'OUTBOUND_URL_INVALID':
      return llmErrors.MODEL_ADDRESS_FORBIDDEN({ cause: error });
    case 'OUTBOUND_UNREACHABLE':
      return llmErrors.MODEL_UNREACHABLE({
        cause: error,
        detail: unreachableDetail(error.options.extensions?.['reason']),
      });
    case 'OUTBOUND_INTERRUPTED':
      return hasBegun ? llmErrors.MODEL_INTERRUPTED({ cause: error }) : llmErrors.MODEL_UNREACHABLE({ cause: error });
    case 'OUTBOUND_BAD_RESPONSE':
    case 'OUTBOUND_TOO_LARGE':
    case 'OUTBOUND_TOO_MANY_REDIRECTS':
      return llmErrors.MODEL_BAD_RESPONSE({ cause: error });
    case 'OUTBOUND_ABORTED':
      return llmErrors.MODEL_ABORTED({ cause: error });
    default:
      return error;
  }
}

function unreachableDetail(reason: unknown): string | undefined {
  if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN')
    return 'The name of the model endpoint cannot be resolved. Check the address.';
  if (reason === 'ECONNREFUSED') return 'Nothing answers at the address of the model endpoint. Is it running?';
  if (typeof reason === 'string' && /CERT|TLS|SSL|SELF_SIGNED/.test(reason))
    return 'The certificate of the model endpoint is not trusted.';
  return undefined;
}
