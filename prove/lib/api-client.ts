/** A small signed-in client of the REST API for proofs and benchmarks. */

export interface ApiClient {
  readonly cookie: string;
  /** Sends JSON; throws on connection failure and on an unexpected status. */
  call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T>;
  /** The raw response, whatever its status. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response>;
}

export interface Owner {
  readonly email: string;
  readonly password: string;
}

export const owner: Owner = { email: 'owner@example.test', password: 'Correct-Horse-7-Battery' };

function makeClient(url: string, cookie: string): ApiClient {
  const send: ApiClient['send'] = (method, path, body, headers = {}, signal) =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        cookie,
        origin: url,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  return {
    cookie,
    send,
    async call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
      const response = await send(method, path, body, headers);
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
  };
}

/** createOwner uses the one-time setup token and returns the owner's client. */
export async function createOwner(url: string, token: string): Promise<ApiClient> {
  const anonymous = makeClient(url, '');
  const response = await anonymous.send('POST', '/setup', { token, name: 'Owner', ...owner });
  if (!response.ok) throw new Error(`setup answered ${response.status}: ${await response.text()}`);
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
  return makeClient(url, cookies.join('; '));
}
