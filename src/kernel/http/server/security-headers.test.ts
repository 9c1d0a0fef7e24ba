/** Every answer of every kind tells the browser to allow as little as possible, and no page's policy has a known hole. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CheckerFunction } from 'csp_evaluator/dist/checks/checker.js';
import { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } from 'csp_evaluator/dist/evaluator.js';
import { Severity } from 'csp_evaluator/dist/finding.js';
import { CspParser } from 'csp_evaluator/dist/parser.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProbe } from '#testing/probe-app';
import { createSetupLink } from '#kernel/auth';
import { createClient, type TestClient } from '#testing/client';
import { startTestServer, strongPassword, type TestServer } from '#testing/server';

const { app } = createProbe();
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-headers-'));
let server: TestServer;
let owner: TestClient;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'assets', 'a.js'), '1');
  writeFileSync(join(folder, 'index.html'), '<script nonce="__CSP_NONCE__" src="/assets/a.js"></script>');
  server = await startTestServer({
    apps: [app],
    webFolder: folder,
    environment: {
      PUBLIC_URL: 'https://bulkhead.example',
      SECURITY_CONTACT: 'security@example.com',
      METRICS_TOKEN: 'metrics-token-for-tests',
    },
  });
  // PUBLIC_URL names a host that is not here, so the client goes to the socket.
  owner = createClient(base());
  const { db, config } = server.services;
  const token = new URL((await createSetupLink({ db, config })) ?? '').hash.replace('#token=', '');
  const person = { name: 'Ada Lovelace', email: 'ada@example.com', password: strongPassword };
  await owner.expect(201, 'POST /setup', { body: { token, ...person } });
}, 60_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const base = () => {
  const { port } = server.bulkhead.server.fastify.server.address() as { port: number };
  return `http://127.0.0.1:${port}`;
};

interface Sent {
  readonly status: number;
  readonly headers: Headers;
}

const get = async (path: string, headers: Record<string, string> = {}): Promise<Sent> => {
  const response = await fetch(base() + path, {
    headers: { cookie: owner.cookie, ...headers },
    redirect: 'manual',
  });
  await response.body?.cancel();
  return response;
};

/** sendRaw sends bytes that no client would and reads the head of the answer. */
async function sendRaw(bytes: string): Promise<Sent> {
  const socket = connect(Number(new URL(base()).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  const answer = await text(socket);
  const [first = '', ...lines] = (answer.split('\r\n\r\n')[0] ?? '').split('\r\n');
  const headers = new Headers(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(first.split(' ')[1]), headers };
}

const assetTag = async () => (await get('/assets/a.js')).headers.get('etag') ?? '';
const html = { accept: 'text/html' };

const kinds: readonly [what: string, status: number, ask: () => Promise<Sent>][] = [
  ['a page', 200, () => get('/agents/42', html)],
  ['the API reference', 200, () => get('/reference', html)],
  ['the page of errors', 200, () => get('/reference/errors', html)],
  ['the script of the reference', 200, () => get('/reference/scalar.js')],
  ['JSON', 200, () => get('/api/v1/session')],
  ['the OpenAPI document', 200, () => get('/api/v1/openapi.json')],
  ['an asset', 200, () => get('/assets/a.js')],
  ['an asset that has not changed', 304, async () => get('/assets/a.js', { 'if-none-match': await assetTag() })],
  ['an event stream', 200, () => get('/api/v1/audit-records/verification', { accept: 'text/event-stream' })],
  ['a file', 200, () => get('/api/v1/audit-records/export?format=csv')],
  ['a redirect', 302, () => get('/.well-known/change-password')],
  ['a text', 200, () => get('/.well-known/security.txt')],
  ['health', 200, () => get('/livez')],
  ['figures', 200, () => get('/metrics', { authorization: 'Bearer metrics-token-for-tests' })],
  ['an unknown address', 404, () => get('/api/v1/nowhere')],
  ['an unknown asset', 404, () => get('/assets/nothing.js')],
  ['nobody signed in', 401, () => get('/api/v1/session', { cookie: '' })],
  ['a write from elsewhere', 403, () => send('POST', { 'sec-fetch-site': 'cross-site' })],
  ['another method', 405, () => send('PUT', {})],
  ['a preflight', 204, () => send('OPTIONS', { origin: 'https://evil.example' })],
  ['an address too long', 414, () => get(`/api/v1/probe/caller?x=${'a'.repeat(9_000)}`)],
  ['an address that cannot be read', 400, () => get('/api/v1/agents/%ff')],
  ['a page whose address cannot be read', 400, () => get('/%', html)],
  ['a part of an address too long', 400, () => get(`/api/v1/probe/echo/${'a'.repeat(600)}`)],
  ['headers too large', 431, () => sendRaw(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)],
  ['what is not HTTP', 400, () => sendRaw('HELLO\r\n\r\n')],
  ['no host', 400, () => sendRaw('GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n')],
  [
    'an expectation nobody meets',
    417,
    () => sendRaw('GET /livez HTTP/1.1\r\nhost: a\r\nexpect: tea\r\nconnection: close\r\n\r\n'),
  ],
];

async function send(method: string, headers: Record<string, string>): Promise<Sent> {
  const response = await fetch(`${base()}/api/v1/probe/public`, { method, headers });
  await response.body?.cancel();
  return response;
}

describe('[K8.1] the headers of', () => {
  test.each(kinds)('%s (%i)', async (_what, status, ask) => {
    const answer = await ask();
    expect(answer.status).toBe(status);
    const { headers } = answer;
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe-eval');
    expect(Object.fromEntries(expected.map(([name]) => [name, headers.get(name)]))).toEqual(
      Object.fromEntries(expected),
    );
    for (const feature of ['camera', 'microphone', 'geolocation', 'payment', 'usb'])
      expect(headers.get('permissions-policy')).toContain(`${feature}=()`);
    for (const telling of ['server', 'x-powered-by']) expect(headers.get(telling)).toBeNull();
  });

  test.each(['/api/v1/agents/%ff', '/%', `/api/v1/probe/echo/${'a'.repeat(600)}`])(
    'an address that cannot be read, %.20s, carry the id that its problem names',
    async (path) => {
      const response = await fetch(base() + path);
      const { code, requestId } = (await response.json()) as Record<string, string>;
      expect([code, response.headers.get('x-request-id')]).toEqual(['INVALID_REQUEST', requestId]);
    },
  );

  test('HSTS is only said where people come by https, or they could not come at all', async () => {
    await using plain = await startTestServer({ apps: [], webFolder: folder });
    for (const path of ['/', '/livez', '/api/v1/session']) {
      const response = await fetch(plain.url + path, { headers: html });
      expect([path, response.headers.get('strict-transport-security')]).toEqual([path, null]);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

const expected = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['x-frame-options', 'DENY'],
  ['strict-transport-security', 'max-age=63072000; includeSubDomains'],
] as const;

describe("[K8.1] Google's evaluator finds nothing in the policy of", () => {
  test.each([
    ['the web app', '/'],
    ['a deep link', '/agents/42?x=1#y'],
    ['an unknown page', '/nowhere/at/all'],
    ['the API reference', '/reference'],
    ['the page of errors', '/reference/errors'],
    ['what is no page', '/livez'],
  ])('%s', async (_what, path) => {
    const policy = (await get(path, html)).headers.get('content-security-policy') ?? '';
    const evaluate = (checks: readonly CheckerFunction[]) =>
      new CspEvaluator(new CspParser(policy).csp)
        .evaluate(undefined, [...checks])
        .map(({ directive, description }) => `${directive}: ${description}`);
    expect(evaluate(DEFAULT_CHECKS)).toEqual([]);
    // What remains of the strict checks are holes that it would like to see opened for browsers of ten years ago.
    expect(evaluate(STRICTCSP_CHECKS).filter((finding) => !finding.includes('older browsers'))).toEqual([]);
  });

  test('the evaluator would have found a hole', () => {
    const open = new CspEvaluator(new CspParser("script-src 'self' 'unsafe-inline'").csp).evaluate();
    expect(open.some(({ severity }) => severity === Severity.HIGH)).toBe(true);
  });

  test('the exceptions of the API reference are these and no others, and it holds nothing of who looks at it', async () => {
    const page = (await get('/', html)).headers.get('content-security-policy') ?? '';
    const reference = (await get('/reference', html)).headers.get('content-security-policy') ?? '';
    expect(page).toContain("require-trusted-types-for 'script'");
    expect(page).not.toContain('unsafe');
    expect(reference).toContain("style-src 'self' 'unsafe-inline';");
    expect(reference.replace("style-src 'self' 'unsafe-inline'", '')).not.toContain('unsafe');
    expect(reference).toContain("require-trusted-types-for 'script'");
    const asOwner = await fetch(`${base()}/reference`, { headers: { ...html, cookie: owner.cookie } });
    const asNobody = await fetch(`${base()}/reference`, { headers: html });
    const withoutNonce = async (response: Response) => (await response.text()).replaceAll(/[A-Za-z0-9+/]{24}/g, '');
    expect(await withoutNonce(asOwner)).toBe(await withoutNonce(asNobody));
  });
});
