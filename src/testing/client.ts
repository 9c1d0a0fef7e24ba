/** TestClient asks like a browser on the same origin: it keeps cookies, says where it comes from, and reads JSON. */
import assert from 'node:assert/strict';

export interface Asking {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Answer is a whole answer. `json` is `any`, because what a test expects of it is its type. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line no-explicit-any -- a test's expectation is its type
  readonly json: any;
}

export interface TestClient {
  /** The Cookie header it sends; empty when nobody is signed in. */
  readonly cookie: string;
  /** Sends `METHOD /path` under /api/v1 and reads the whole answer. */
  ask(route: string, asking?: Asking): Promise<Answer>;
  /** Like ask, and fails with the answer's text unless the status is the expected one. */
  expect(status: number, route: string, asking?: Asking): Promise<Answer>;
  /** Sends and gives the response as it comes, for streams. */
  open(route: string, asking?: Asking): Promise<Response>;
  /** Sends exactly these headers and this body, beside cookies and Sec-Fetch-Site. */
  sendRaw(
    route: string,
    headers: Readonly<Record<string, string>>,
    body: string | FormData | null,
    signal?: AbortSignal,
  ): Promise<Response>;
  /** Uploads one file as multipart/form-data. */
  upload(
    route: string,
    file: { readonly name: string; readonly type: string; readonly bytes: Uint8Array | string },
  ): Promise<Answer>;
}

/** createClient makes a client of the server at `url` (an origin). */
export function createClient(url: string): TestClient {
  const jar = new Map<string, string>();
  const cookie = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');

  function keepCookies(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';');
      const [name = '', ...value] = pair.split('=');
      if (value.join('=') === '' || attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute))) jar.delete(name);
      else jar.set(name, value.join('='));
    }
  }

  async function send(
    route: string,
    headers: Record<string, string>,
    body: string | FormData | undefined,
    signal?: AbortSignal,
  ): Promise<Response> {
    const [method = 'GET', path = '/'] = route.split(' ');
    const target = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
    const response = await fetch(url + target, {
      method,
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin', ...(jar.size > 0 ? { cookie: cookie() } : {}), ...headers },
      body: body ?? null,
      signal: signal ?? null,
    });
    keepCookies(response);
    return response;
  }

  function open(route: string, { body, headers = {}, signal }: Asking = {}): Promise<Response> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return send(route, { ...type, ...headers }, text, signal);
  }

  const ask = async (route: string, asking?: Asking): Promise<Answer> => read(await open(route, asking));

  return {
    get cookie() {
      return cookie();
    },
    open,
    ask,
    sendRaw: (route, headers, body, signal) => send(route, { ...headers }, body ?? undefined, signal),
    async expect(status, route, asking) {
      const answer = await ask(route, asking);
      assert.equal(answer.status, status, `${route} answered ${answer.status}: ${answer.text.slice(0, 500)}`);
      return answer;
    },
    async upload(route, file) {
      const form = new FormData();
      form.set('file', new Blob([file.bytes as Uint8Array<ArrayBuffer> | string], { type: file.type }), file.name);
      return read(await send(route, {}, form));
    },
  };
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}
