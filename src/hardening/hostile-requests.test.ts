/** Requests made to exhaust or confuse a parser are refused early, in little time and with a short answer. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../testing/client.ts';
import { createProbe } from '../testing/probe-app.ts';
import { startTestServer, type Tenant, type TestServer } from '../testing/server.ts';

let server: TestServer;
let owner: Tenant;
beforeAll(async () => {
  server = await startTestServer({ apps: [createProbe().app] });
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const longestAnswer = 20_000;
/** Milliseconds are usual; the rest is for a busy machine. What grows with the square of such a body takes minutes. */
const mostMilliseconds = 10_000;

/** echo sends a body as it is, and holds the answer to its bounds: soon, short, and no failure of the server. */
async function echo(body: string): Promise<Answer> {
  const startedAt = performance.now();
  const answer = await owner.client.ask('POST /probe/echo/a', { body });
  expect(performance.now() - startedAt).toBeLessThan(mostMilliseconds);
  expect(answer.text.length).toBeLessThan(longestAnswer);
  return answer;
}

const keys = (count: number) => Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',');

describe('[K5.1] a JSON body', () => {
  test.each([
    ['arrays 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects 100,000 deep', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
    ['arrays and objects in turn, never closed', '[{"a":'.repeat(100_000)],
    ['a depth hidden behind a string full of brackets', `{"name":"${']}'.repeat(500)}","tree":${'['.repeat(9_000)}`],
  ])('of %s is refused before it is parsed', async (_what, body) => {
    const { status, json } = await echo(body);
    expect([status, json.code]).toEqual([400, 'INVALID_REQUEST']);
    expect(json.detail).toContain('64 levels');
  });

  test.each([
    ['70,000 keys', `{"name":"a",${keys(70_000)}}`],
    ['a list of 400,000 values', `{"name":"a","tags":[${'1,'.repeat(399_999)}1]}`],
  ])('of %s is refused before it is parsed', async (_what, body) => {
    const { status, json } = await echo(body);
    expect([status, json.detail]).toEqual([400, 'The body holds more than 50000 values.']);
  });

  test.each([
    ['40,000 unknown keys', `{"name":"a",${keys(40_000)}}`],
    ['a list of 40,000 values of the wrong kind', `{"name":"a","tags":[${'1,'.repeat(39_999)}1]}`],
    ['one key of a million letters', `{"name":"a","${'k'.repeat(1_000_000)}":1}`],
  ])('of %s is refused with a short list of what is wrong', async (_what, body) => {
    const { status, json } = await echo(body);
    expect(status).toBe(400);
    expect(json.errors.length).toBeGreaterThan(0);
    expect(json.errors.length).toBeLessThanOrEqual(100);
  });

  test.each([
    ['at the top', '{"name":"a","__proto__":{"isAdmin":true}}'],
    ['deep inside', '{"name":"a","tree":[{"b":[{"__proto__":{"isAdmin":true}}]}]}'],
    ['written with escapes', String.raw`{"name":"a","tree":{"\u005f_pro\u0074o__":{"isAdmin":true}}}`],
    ['by way of the constructor', '{"name":"a","tree":{"constructor":{"prototype":{"isAdmin":true}}}}'],
  ])('that reaches for the prototype %s is refused, and changes nothing', async (_where, body) => {
    expect((await echo(body)).status).toBe(400);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  test('with the same key twice means the last, for schema and handler alike', async () => {
    expect((await echo('{"name":"first","name":"last"}')).json).toMatchObject({ name: 'last' });
    expect((await echo('{"name":"first","name":7}')).status).toBe(400);
    expect((await echo('{"name":7,"name":"last"}')).json).toMatchObject({ name: 'last' });
  });

  test.each([
    ['a number beyond all numbers', '{"name":1e999}'],
    ['a number of a million digits', `{"name":${'9'.repeat(900_000)}}`],
    ['a comment', '{"name":"a"/**/}'],
    ['two values', '{"name":"a"}{"name":"b"}'],
    ['NaN', '{"name":NaN}'],
    ['a lone surrogate', String.raw`{"name":"\ud800"}`],
    ['nothing but spaces', ' '.repeat(500_000)],
  ])('with %s is a 400', async (_what, body) => {
    expect((await echo(body)).status).toBe(400);
  });
});

describe('[K5.1] a form, which anybody may send', () => {
  test.each([
    ['100,000 empty fields', 'a&'.repeat(100_000)],
    ['30,000 different fields', Array.from({ length: 30_000 }, (_, index) => `k${index}`).join('&')],
  ])('of %s is refused before it is taken apart', async (_what, body) => {
    const startedAt = performance.now();
    const { status, json } = await owner.client.ask('POST /auth/sign-on/saml', {
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(performance.now() - startedAt).toBeLessThan(mostMilliseconds);
    expect([status, json.detail]).toEqual([400, 'The form has more than 100 fields.']);
  });
});

/** raw sends bytes as they are and returns all that comes back until the server closes. */
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

const request = (headers: string, path = '/api/v1/probe/caller') =>
  `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${headers}\r\n`;

describe('[K5.1] the head of a request', () => {
  test.each([
    ['one header of 20 kB', request(`x-long: ${'a'.repeat(20_000)}\r\n`), 431],
    ['3,000 small headers', request('x-a: b\r\n'.repeat(3_000)), 431],
    ['a cookie of 20 kB', request(`cookie: ${'a=b; '.repeat(4_000)}\r\n`), 431],
    ['a header with a bare line feed inside', request('x-a: b\nx-b: c\r\n\u0000: d\r\n'), 400],
    ['two lengths', request('content-length: 3\r\ncontent-length: 5\r\n'), 400],
    ['a length and chunks at once', request('content-length: 3\r\ntransfer-encoding: chunked\r\n'), 400],
    ['a negative length', request('content-length: -1\r\n'), 400],
    ['an address of 9,000 characters', request('', `/api/v1/probe/caller?x=${'a'.repeat(9_000)}`), 414],
    ['the same parameter twice', request('', '/api/v1/probe/caller?count=1&count=2'), 400],
    ['parameters nobody knows', request('', `/api/v1/probe/caller?${'a&'.repeat(2_000)}`), 400],
  ])('with %s is refused as a problem', async (_what, bytes, status) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(answer.length).toBeLessThan(longestAnswer);
  });

  test('after all of it the server answers as ever', async () => {
    expect((await echo('{"name":"still here"}')).json.name).toBe('still here');
  });
});
