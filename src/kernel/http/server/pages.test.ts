/** What is served besides the API: pages, health, metrics, the API reference; and the settings that change the server. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProbe } from '#testing/probe-app';
import { startTestServer, type TestServer } from '#testing/server';
import type { Answer } from '#testing/client';

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Answer['json']>>;
}

const { app } = createProbe();
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-web-'));
const script = 'console.log("hello");'.repeat(200);
let server: TestServer;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  mkdirSync(join(folder, '.vite'));
  writeFileSync(join(folder, '.vite', 'manifest.json'), '{}');
  writeFileSync(join(folder, 'assets', 'index-abc123.js'), script);
  writeFileSync(join(folder, 'assets', 'page-def456.js'), script);
  writeFileSync(join(folder, 'assets', 'page-def456.js.br'), brotliCompressSync(`${script}// by the build`));
  writeFileSync(join(folder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"></svg>');
  writeFileSync(
    join(folder, 'index.html'),
    '<script nonce="__CSP_NONCE__" src="/assets/index-abc123.js"></script><style nonce="__CSP_NONCE__"></style>',
  );
  server = await startTestServer({
    apps: [app],
    webFolder: folder,
    environment: {
      PUBLIC_URL: 'https://bulkhead.example',
      TRUSTED_PROXIES: '127.0.0.0/8',
      METRICS_TOKEN: 'metrics-token-for-tests',
    },
  });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`http://127.0.0.1:${port()}${path}`, { method, headers });
const port = (): number => (server.bulkhead.server.fastify.server.address() as { port: number }).port;

describe('[K8.1] the web app', () => {
  test('a page has a nonce of its own per answer, a policy without unsafe-inline, and is not stored', async () => {
    const [first, second] = [await get('/agents/42', { accept: 'text/html' }), await get('/', { accept: 'text/html' })];
    const policy = first.headers.get('content-security-policy') ?? '';
    const nonce = /script-src 'nonce-([A-Za-z0-9+/=]{20,})'/.exec(policy)?.[1] ?? '';
    expect(await first.text()).toBe(
      `<script nonce="${nonce}" src="/assets/index-abc123.js"></script><style nonce="${nonce}"></style>`,
    );
    expect(second.headers.get('content-security-policy')).not.toContain(nonce);
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(first.headers.get('strict-transport-security')).toContain('max-age=63072000');
  });

  test('assets are compressed, immutable and revalidated by their etag; nothing outside the table is served', async () => {
    const asset = await get('/assets/index-abc123.js', { 'accept-encoding': 'gzip, br' });
    expect([asset.status, asset.headers.get('content-encoding'), asset.headers.get('cache-control')]).toEqual([
      200,
      'br',
      'public, max-age=31536000, immutable',
    ]);
    expect(await asset.text()).toBe(script);
    const again = await get('/assets/index-abc123.js', {
      'accept-encoding': 'gzip, br',
      'if-none-match': asset.headers.get('etag') ?? '',
    });
    expect(again.status).toBe(304);
    expect(
      (await get('/assets/index-abc123.js', { 'accept-encoding': 'gzip;q=0, br;q=0' })).headers.get('content-encoding'),
    ).toBeNull();
    for (const path of [
      '/assets/nothing.js',
      '/.vite/manifest.json',
      '/assets/../../../etc/passwd',
      '/assets/%2e%2e/%2e%2e/etc/passwd',
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await get('/favicon.svg', {}, 'HEAD')).headers.get('content-type')).toBe('image/svg+xml');
  });

  test('[K17.5] what the build compressed is sent as it is, and has no address of its own', async () => {
    const compressed = await get('/assets/page-def456.js', { 'accept-encoding': 'br' });
    expect([compressed.headers.get('content-encoding'), await compressed.text()]).toEqual([
      'br',
      `${script}// by the build`,
    ]);
    expect(await (await get('/assets/page-def456.js', { 'accept-encoding': 'gzip' })).text()).toBe(script);
    expect((await get('/assets/page-def456.js.br')).status).toBe(404);
  });

  test('an unknown API path is a problem, even for a browser', async () => {
    const answer = await get('/api/v1/nowhere', { accept: 'text/html' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
  });
});

describe('[K4.4] behind a trusted proxy', () => {
  test("the client's address is the last that no trusted proxy vouches for, whatever the client prepends", async () => {
    const ask = async (forwarded: string) =>
      ((await (await get('/api/v1/probe/caller', { 'x-forwarded-for': forwarded })).json()) as { address: string })
        .address;
    expect(await ask('198.51.100.7')).toBe('198.51.100.7');
    expect(await ask('10.0.0.1, 198.51.100.7')).toBe('198.51.100.7');
    expect(await ask('198.51.100.7, 127.0.0.9')).toBe('198.51.100.7');
  });

  test.each([
    ['198.51.100.7:50123', '198.51.100.7', 'the port that some proxies write is no part of it'],
    ['[2001:db8::1]:443', '2001:db8::1', 'nor are brackets'],
    ['::ffff:198.51.100.7', '198.51.100.7', 'IPv4 in IPv6 is IPv4'],
    ['unknown', '127.0.0.1', 'what is no address stands for the proxy that passed it on'],
    ['198.51.100.7, <script>, 127.0.0.9', '127.0.0.9', 'wherever it stands in the chain'],
    ['x'.repeat(5_000), '127.0.0.1', 'however long'],
  ])('%.40s means %s: %s', async (forwarded, expected) => {
    const answer = await get('/api/v1/probe/caller', { 'x-forwarded-for': forwarded });
    expect(await answer.json()).toMatchObject({ address: expected });
  });

  test('[K8.2] the public origin counts as our own', async () => {
    const post = (origin: string) =>
      fetch(`http://127.0.0.1:${port()}/api/v1/probe/public`, {
        method: 'POST',
        body: '{"name":"a"}',
        headers: { origin, 'content-type': 'application/json' },
      });
    expect((await post('https://bulkhead.example')).status).toBe(204);
    expect((await post('https://bulkhead.example.evil.example')).status).toBe(403);
  });
});

describe('[K15.1] health and metrics', () => {
  test('livez answers at once, readyz names each part', async () => {
    expect((await get('/livez')).status).toBe(200);
    await expect.poll(async () => (await get('/readyz')).status, { timeout: 20_000 }).toBe(200);
    expect(await (await get('/readyz')).json()).toEqual({
      status: 'ok',
      checks: { database: 'ok', storage: 'ok', jobs: 'ok', limits: 'ok', models: 'ok' },
    });
  });

  test.each(['/livez', '/readyz', '/api/v1/openapi.json', '/reference', '/reference/errors', '/robots.txt'])(
    '%s answers HEAD, which many monitors ask with, as it answers GET but for the body',
    async (path) => {
      const [head, whole] = [await get(path, {}, 'HEAD'), await get(path)];
      expect([head.status, head.headers.get('content-type')]).toEqual([200, whole.headers.get('content-type')]);
      expect([await head.text(), (await whole.text()).length > 0]).toEqual(['', true]);
    },
  );

  test('metrics are for this machine or holders of the token; a forwarded request is neither', async () => {
    const text = await (await get('/metrics')).text();
    expect(text).toMatch(
      /bulkhead_http_request_duration_seconds_bucket\{le="0\.001",route="probe\.caller",method="GET",status="200"\}/,
    );
    for (const name of [
      'bulkhead_event_streams',
      'bulkhead_runs_active',
      'bulkhead_database_connections_total',
      'nodejs_eventloop_lag_seconds',
    ])
      expect(text).toContain(name);
    expect((await get('/metrics', { 'x-forwarded-for': '203.0.113.5' })).status).toBe(404);
    expect((await get('/metrics', { authorization: 'Bearer wrong' })).status).toBe(404);
    expect(
      (await get('/metrics', { authorization: 'Bearer metrics-token-for-tests', 'x-forwarded-for': '203.0.113.5' }))
        .status,
    ).toBe(200);
  });
});

describe('[K17.1] the API reference', () => {
  test('the OpenAPI document has every route with permission, limit, errors and schemas', async () => {
    const document = (await (await get('/api/v1/openapi.json')).json()) as OpenApi;
    expect(document.openapi).toBe('3.1.0');
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map((operation) => operation.operationId as string),
    );
    expect(ids.toSorted()).toEqual(server.bulkhead.server.routes.map((route) => route.id).toSorted());
    const echo = document.paths['/probe/echo/{word}']?.['post'];
    expect(echo['x-limit']).toMatchObject({ name: 'probe.any', by: 'user' });
    expect(echo.requestBody.content['application/json'].schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['name'],
    });
    expect(
      echo.parameters.map((parameter: { in: string; name: string }) => `${parameter.in} ${parameter.name}`),
    ).toEqual(['path word', 'query count', 'header X-Organisation']);
    expect(Object.keys(echo.responses)).toEqual('200 400 401 403 404 406 408 409 413 415 429 503'.split(' '));
    expect(document.paths['/probe/owners']?.['get']['x-permission']).toBe('probe.owners.read');
  });

  test('every reference in the OpenAPI document leads to a place inside it', async () => {
    const document = await (await get('/api/v1/openapi.json')).json();
    const find = (reference: string): unknown =>
      reference
        .split('/')
        .slice(1)
        .reduce((place, name) => (place as Record<string, unknown> | undefined)?.[name], document);
    const references = new Set(JSON.stringify(document).match(/(?<="\$ref":")[^"]+/g));
    expect(references.size).toBeGreaterThan(2);
    expect([...references].filter((reference) => !reference.startsWith('#/') || find(reference) === undefined)).toEqual(
      [],
    );
    expect(references).toContain('#/components/schemas/Run');
  });

  test('the document and the script of its page are sent compressed, and once: then their etag is enough', async () => {
    for (const path of ['/api/v1/openapi.json', '/reference/scalar.js']) {
      const first = await get(path, { 'accept-encoding': 'gzip' });
      expect([path, first.status, first.headers.get('content-encoding')]).toEqual([path, 200, 'gzip']);
      expect((await first.text()).length).toBeGreaterThan(1_024);
      const again = { 'accept-encoding': 'gzip', 'if-none-match': first.headers.get('etag') ?? '' };
      expect([path, (await get(path, again)).status]).toEqual([path, 304]);
      expect([path, (await get(path, { 'if-none-match': '"another"' })).status]).toEqual([path, 200]);
    }
  });

  test('the reference page and its script come from this server alone', async () => {
    const page = await (await get('/reference')).text();
    expect(page).not.toMatch(/https?:\/\//);
    expect((await get('/reference')).headers.get('content-security-policy')).toMatch(/script-src 'nonce-/);
    const bundle = await (await get('/reference/scalar.js')).text();
    expect(() => new Script(bundle)).not.toThrow();
    expect(await (await get('/reference/errors')).text()).toContain('id="RATE_LIMITED"');
  });
});
