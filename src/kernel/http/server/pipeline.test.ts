/** The pipeline as a client meets it: a real server, real sockets. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProbe } from '#testing/probe-app';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import { addressKey } from '#kernel/limits';

const { app, probe } = createProbe();
let server: TestServer;
let owner: Tenant;
const lines: string[] = [];

beforeAll(async () => {
  const { createLogger } = await import('#kernel/log');
  const log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  server = await startTestServer({
    apps: [app],
    log,
    environment: { CORS_ORIGINS: 'https://friend.example', REQUEST_TIMEOUT_SECONDS: '2' },
  });
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** raw sends bytes as they are and returns everything the server answers until it closes. */
function raw(bytes: string): Promise<string> {
  const { port, hostname } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    socket
      .setEncoding('utf8')
      .on('data', (text) => (answer += text))
      .on('end', () => resolve(answer))
      .on('error', reject);
  });
}

describe('input', () => {
  test('[K5.1] unknown fields of path, query and body are refused, each with its JSON pointer', async () => {
    const answer = await owner.client.expect(400, 'POST /probe/echo/UPPER?count=x&extra=1', {
      body: { name: '', 'a/b': 1 },
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.json.code).toBe('INVALID_REQUEST');
    const pointers = answer.json.errors.map((issue: { pointer: string }) => issue.pointer);
    expect(pointers.toSorted()).toEqual(['/body/a~1b', '/body/name', '/params/word', '/query/count', '/query/extra']);
  });

  test.each([
    ['/api/v1/probe/echo/%zz', '/path'],
    ['/api/v1/probe/echo/%ff', '/path'],
    [`/api/v1/probe/echo/${'a'.repeat(600)}`, '/path'],
    ['/api/v1/usage/days?from=0000-01-01&to=0000-01-02', '/query/from'],
    ['/api/v1/audit-records?to=0000-01-01T00%3A00%3A00Z', '/query/to'],
  ])('[K5.1] of an address that cannot be read, %.50s, the pointer %s is told', async (address, pointer) => {
    const answer = await owner.client.expect(400, `GET /${address}`);
    expect(answer.json.code).toBe('INVALID_REQUEST');
    expect(answer.json.errors[0]).toEqual({ pointer, detail: expect.stringMatching(/^\w.+\.$/) });
  });

  test('[K5.1] a body nested deeper than 64 levels is refused before it is parsed, one of 64 is not', async () => {
    const nest = (levels: number): string => `{"name":"a","tree":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    await owner.client.expect(200, 'POST /probe/echo/a', { body: nest(64) });
    const refused = await owner.client.expect(400, 'POST /probe/echo/a', { body: nest(65) });
    expect(refused.json.detail).toContain('64 levels');
    const braces = `{"name":"${'[{'.repeat(200)}\\"["}`;
    expect((await owner.client.ask('POST /probe/echo/a', { body: braces })).json.errors[0].pointer).toBe('/body/name');
  });

  test.each([
    ['broken JSON', '{"name":'],
    ['a prototype key', '{"name":"a","__proto__":{"isAdmin":true}}'],
    ['a constructor bomb', '{"name":"a","constructor":{"prototype":{"x":1}}}'],
    ['no body', ''],
  ])('[K5.1] %s is a 400', async (_what, body) => {
    const answer = await owner.client.ask('POST /probe/echo/a', { body });
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0].pointer).toMatch(/^\/body/);
  });

  test('[K5.1] a body over the limit is a 413, an address or headers too long a 414 and a 431', async () => {
    await owner.client.expect(413, 'POST /probe/echo/a', { body: { name: 'a'.repeat(1024 * 1024) } });
    await owner.client.expect(414, `GET /probe/caller?x=${'a'.repeat(9000)}`);
    const answer = await raw(`GET /api/v1/probe/caller HTTP/1.1\r\nhost: a\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('HEADERS_TOO_LARGE');
  });

  test('[K8.2] only JSON is taken, and never compressed', async () => {
    const cases: Record<string, string>[] = [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    ];
    for (const headers of cases) {
      const answer = await owner.client.expect(415, 'POST /probe/echo/a', { body: '{"name":"a"}', headers });
      expect(answer.json.code).toBe('UNSUPPORTED_MEDIA_TYPE');
    }
  });

  test('a format that is not offered is a 406', async () => {
    await owner.client.expect(406, 'GET /probe/caller', { headers: { accept: 'text/csv' } });
    await owner.client.expect(200, 'GET /probe/caller', { headers: { accept: 'text/html, */*;q=0.1' } });
  });
});

describe('callers', () => {
  test('[K3.5] nobody gets 401, somebody without the permission 403, a holder passes', async () => {
    await server.anonymous.expect(401, 'GET /probe/owners');
    await owner.client.expect(204, 'GET /probe/owners');
    const { db } = server.services;
    const visitor = await server.secondTenant();
    await db.withAuth((tx) =>
      tx.query({
        text: `update auth.members set role = 'viewer' where user_id = $1`,
        values: [visitor.principal.userId],
      }),
    );
    await expect
      .poll(async () => (await visitor.client.ask('GET /probe/owners')).status, { timeout: 10_000 })
      .toBe(403);
  });

  test('[K8.2] a write from another site is refused, by Fetch Metadata and by Origin', async () => {
    const body = { name: 'a' };
    const own = server.url;
    const cases: [Record<string, string>, number][] = [
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ 'sec-fetch-site': 'same-origin' }, 204],
      [{ 'sec-fetch-site': 'none' }, 204],
      [{ 'sec-fetch-site': '', origin: 'https://evil.example' }, 403],
      [{ 'sec-fetch-site': 'cross-site', origin: own }, 403],
    ];
    for (const [headers, status] of cases) {
      const answer = await owner.client.ask('POST /probe/public', { body, headers });
      expect([headers, answer.status]).toEqual([headers, status]);
    }
  });

  test('[K8.2] without Fetch Metadata, Origin decides; with neither, a cookie is not believed', async () => {
    const { host } = new URL(server.url);
    const post = (extra: string): Promise<string> =>
      raw(
        `POST /api/v1/probe/public HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 12\r\n${extra}\r\n{"name":"ab"}`.replace(
          'content-length: 12',
          'content-length: 13',
        ),
      );
    expect(await post(`origin: http://${host}\r\n`)).toMatch(/^HTTP\/1\.1 204 /);
    expect(await post('origin: null\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await post('origin: https://evil.example\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await post('cookie: a=b\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await post('')).toMatch(/^HTTP\/1\.1 204 /);
  });

  test('[K8.2] CORS answers listed origins, only where the route says so, and never with credentials', async () => {
    const ask = (origin: string, route: string) =>
      server.anonymous.ask(route, { headers: { origin, 'sec-fetch-site': 'cross-site' } });
    const listed = await ask('https://friend.example', 'GET /probe/shared');
    expect(listed.headers.get('access-control-allow-origin')).toBe('https://friend.example');
    expect(listed.headers.get('access-control-allow-credentials')).toBeNull();
    expect(
      (await ask('https://evil.example', 'GET /probe/shared')).headers.get('access-control-allow-origin'),
    ).toBeNull();
    expect(
      (await ask('https://friend.example', 'GET /probe/caller')).headers.get('access-control-allow-origin'),
    ).toBeNull();
    const preflight = await ask('https://friend.example', 'OPTIONS /probe/shared');
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET']);
    expect(
      (await ask('https://evil.example', 'OPTIONS /probe/shared')).headers.get('access-control-allow-origin'),
    ).toBeNull();
    const unshared = await ask('https://friend.example', 'OPTIONS /probe/caller');
    expect([unshared.headers.get('access-control-allow-origin'), unshared.headers.get('allow')]).toEqual([null, 'GET']);
  });

  test('[K4.4] a forged X-Forwarded-For from an untrusted peer is ignored', async () => {
    const answer = await server.anonymous.expect(200, 'GET /probe/caller', {
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    expect(answer.json.address).toBe('127.0.0.1');
    expect(addressKey('::ffff:127.0.0.1')).toBe('127.0.0.1');
  });
});

describe('limits', () => {
  test('[K4.1] every answer carries RateLimit fields; beyond the limit it is 429 with Retry-After and the policy', async () => {
    const first = await server.anonymous.expect(204, 'GET /probe/limited');
    expect(first.headers.get('ratelimit-policy')).toBe('"probe.limited";q=2;w=60');
    expect(first.headers.get('ratelimit')).toMatch(/^"probe\.limited";r=1;t=\d+$/);
    await server.anonymous.expect(204, 'GET /probe/limited');
    const refused = await server.anonymous.expect(429, 'GET /probe/limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.json).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'RATE_LIMITED',
      isRetryable: true,
      'violated-policies': ['probe.limited'],
    });
    for (const route of ['GET /session', 'GET /nowhere', 'PUT /probe/limited']) {
      expect((await server.anonymous.ask(route)).headers.get('ratelimit')).toMatch(/^"kernel\.refused"/);
    }
  });
});

describe('answers', () => {
  test('[K6.1] unknown addresses are 404, wrong methods 405 with Allow, both problems', async () => {
    const nowhere = await owner.client.expect(404, 'GET /nowhere');
    expect(nowhere.json).toMatchObject({ code: 'NOT_FOUND', type: '/reference/errors#NOT_FOUND' });
    expect(nowhere.json.requestId).toBe(nowhere.headers.get('x-request-id'));
    for (const route of ['DELETE /probe/echo/a', 'HEAD /probe/caller']) await owner.client.expect(405, route);
    expect((await owner.client.ask('PUT /probe/caller')).headers.get('allow')).toBe('GET');
    expect(await raw('NONSENSE\r\n\r\n')).toContain('MALFORMED_HTTP');
  });

  test.each([
    ['an empty body', 'application/json', ''],
    ['a broken body', 'application/json', '{"name":'],
    ['a poisoned body', 'application/json', '{"__proto__":{}}'],
    ['a form', 'application/x-www-form-urlencoded', 'a=1'],
    ['a body of no known type', 'application/x-thing', 'a'],
    ['a body beyond every limit', 'application/json', `"${'a'.repeat(2 * 1024 * 1024)}"`],
  ])('[K6.1] an unknown address is our 404 with %s, too', async (_what, type, body) => {
    for (const url of [`${server.url}/api/v1/nowhere`, `${server.url}/nowhere`]) {
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ]);
      expect(await answer.json()).toMatchObject({
        code: 'NOT_FOUND',
        status: 404,
        requestId: answer.headers.get('x-request-id'),
      });
    }
  });

  test('[K6.1] an unforeseen failure is a 500 that shows nothing; the log says where, not what', async () => {
    lines.length = 0;
    const answer = await server.anonymous.expect(500, 'GET /probe/crash');
    expect(answer.text).not.toContain('secret');
    expect(answer.json.code).toBe('INTERNAL');
    await expect.poll(() => lines.filter((line) => line.includes('probe.crash')).length).toBe(1);
    const line = JSON.parse(lines.find((text) => text.includes('probe.crash')) ?? '');
    expect(line).toMatchObject({ level: 'error', requestId: answer.json.requestId, status: 500, code: 'INTERNAL' });
    expect(line.err.frames).toContain('probe-app.ts');
  });

  test.each([
    ['23505', 409, 'CONFLICT'],
    ['22P02', 400, 'INVALID_REQUEST'],
    ['57014', 503, 'UNAVAILABLE'],
    ['53100', 503, 'UNAVAILABLE'],
  ])('[K6.1] a database error %s becomes %i %s, also when wrapped', async (code, status, name) => {
    const cause = Object.assign(new Error('Key (email)=(a@b.c) exists'), { code, severity: 'ERROR' });
    probe.crash = new Error('Failed query: insert … params: canary', { cause });
    const answer = await server.anonymous.expect(status, 'GET /probe/crash');
    expect(answer.json.code).toBe(name);
    if (status === 503) expect(answer.headers.get('retry-after')).not.toBeNull();
  });

  test('[K5.1] an answer with a field its contract does not have is never sent', async () => {
    const answer = await server.anonymous.expect(500, 'GET /probe/leak');
    expect(answer.text).not.toContain('hunter2');
  });

  test('[K8.1] every answer carries the security headers', async () => {
    const answers = [
      await server.anonymous.ask('GET /probe/caller'),
      await server.anonymous.ask('GET /nowhere'),
      await server.anonymous.ask('GET //livez'),
    ];
    for (const { headers } of answers) {
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('permissions-policy')).toContain('camera=()');
      expect(headers.get('strict-transport-security')).toBeNull();
    }
  });

  test('[K7.1] each request leaves one line with its id, route, status and duration', async () => {
    lines.length = 0;
    const answer = await owner.client.expect(200, 'POST /probe/echo/a?count=3', { body: { name: 'Grace' } });
    expect(answer.json).toEqual({ name: 'Grace', word: 'a', count: 3 });
    await expect.poll(() => lines.length).toBe(1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.any(String),
      msg: 'request',
      route: 'probe.echo',
      method: 'POST',
      status: 200,
      requestId: answer.headers.get('x-request-id'),
      durationMs: expect.any(Number),
      tenantId: owner.principal.tenantId,
      userId: owner.principal.userId,
    });
  });
});

describe('idempotency', () => {
  const body = { name: 'once' };

  test('[K5.4] the same key and body give the first answer, another body 422, and the effect happens once', async () => {
    probe.counted = 0;
    const headers = { 'idempotency-key': '"key-1"' };
    const first = await owner.client.expect(201, 'POST /probe/counted', { body, headers });
    const second = await owner.client.expect(201, 'POST /probe/counted', { body, headers });
    expect([first.json, second.json, probe.counted]).toEqual([{ count: 1 }, { count: 1 }, 1]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    await owner.client.expect(422, 'POST /probe/counted', { body: { name: 'twice' }, headers });
    await owner.client.expect(201, 'POST /probe/counted', { body, headers: { 'idempotency-key': 'key-2' } });
    await owner.client.expect(400, 'POST /probe/counted', { body, headers: { 'idempotency-key': '""' } });
  });

  test('[K5.4] a hundred requests at once with one key take effect once', async () => {
    probe.counted = 0;
    const headers = { 'idempotency-key': '"race"' };
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => owner.client.ask('POST /probe/counted', { body, headers })),
    );
    expect(probe.counted).toBe(1);
    expect(answers.map((answer) => answer.status).filter((status) => status !== 201 && status !== 409)).toEqual([]);
  });

  test('[K5.4] a refusal after something took effect is the answer that repetitions get', async () => {
    probe.counted = 0;
    const headers = { 'idempotency-key': '"refused"' };
    await owner.client.expect(409, 'POST /probe/refused', { body, headers });
    const second = await owner.client.expect(409, 'POST /probe/refused', { body, headers });
    expect([second.json.code, probe.counted]).toEqual(['PROBE_REFUSED', 1]);
  });

  test('[K5.4] a route that goes past the fenced transactions is told of in the log', async () => {
    lines.length = 0;
    await owner.client.expect(204, 'POST /probe/unfenced', { headers: { 'idempotency-key': '"unfenced"' } });
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told).toContainEqual(expect.objectContaining({ level: 'error', route: 'probe.unfenced' }));
  });
});

describe('slow clients', () => {
  test('[K15.3] a body that trickles is cut off with 408', async () => {
    const { host } = new URL(server.url);
    const started = Date.now();
    const answer = await raw(
      `POST /api/v1/probe/public HTTP/1.1\r\nhost: ${host}\r\nsec-fetch-site: none\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"na`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('REQUEST_TIMEOUT');
    expect(Date.now() - started).toBeLessThan(8_000);
  });

  test('[K15.3] headers that trickle are cut off', async () => {
    const answer = await raw('GET /api/v1/probe/caller HTTP/1.1\r\nhost: a\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});
