/** Providers are spoken to through the guarded way out alone, with bounded time and size; no library opens a socket. */
import type { Services } from '#kernel/app';
import { isAppError } from '#kernel/errors';

/** Discovery documents and key sets are a few kilobytes; a profile is less. */
const maxResponseBytes = 512 * 1024;

interface FetchOptions {
  readonly method?: string;
  readonly headers?: Headers | Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null;
}

export type ProviderFetch = (url: string, options: FetchOptions) => Promise<Response>;

function bodyText(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new Error('a provider is only sent text');
}

/** providerFetch is `fetch` for the libraries; it throws the errors of the guarded way out. */
export function providerFetch({ outbound, config }: Pick<Services, 'outbound' | 'config'>): ProviderFetch {
  return async (url, { method = 'GET', headers, body, signal }) => {
    const text = bodyText(body);
    const response = await outbound.fetch(url, {
      method: method as 'GET' | 'POST',
      headers: Object.fromEntries(new Headers(headers)),
      ...(text === undefined ? {} : { body: text }),
      ...(signal ? { signal } : {}),
      purpose: 'web',
      maxResponseBytes,
      headersTimeoutMilliseconds: config.signOnTimeoutMs,
      idleTimeoutMilliseconds: config.signOnTimeoutMs,
      totalTimeoutMilliseconds: config.signOnTimeoutMs,
    });
    const answer = await response.text();
    // Decompressed already: what the fields say of encoding and length is true no more.
    const kept = Object.entries(response.headers).filter(([name]) => !/^content-(?:encoding|length)$/i.test(name));
    return new Response(answer === '' ? null : answer, { status: response.status, headers: kept });
  };
}

/** isAwayError tells whether a failure, or what caused it, is the way to the provider and not what it said. */
export function isAwayError(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 4) return false;
  if (isAppError(error)) return error.code.startsWith('OUTBOUND_');
  const { code } = error as { code?: unknown };
  if (code === 'ERR_JWKS_TIMEOUT' || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM') return true;
  return isAwayError(error.cause, depth + 1);
}
