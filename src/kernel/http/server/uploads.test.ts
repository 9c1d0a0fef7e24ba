/** A body is bounded before it is read: what is too large or no form is refused so that the client hears why. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProbe } from '#testing/probe-app';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';

let server: TestServer;
let owner: Tenant;
beforeAll(async () => {
  server = await startTestServer({ apps: [createProbe().app], environment: { UPLOAD_MAX_MB: '1' } });
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

test('a file arrives as a stream, with the name the client gave it', async () => {
  const answer = await owner.client.upload('POST /probe/upload', {
    name: 'a b.txt',
    type: 'text/plain',
    bytes: 'x'.repeat(300_000),
  });
  expect([answer.status, answer.json]).toEqual([200, { bytes: 300_000, filename: 'a b.txt' }]);
});

test('[K5.1] a file over the limit is a 413 that the client gets to read, whether it says its size or not', async () => {
  const tooMuch = new Uint8Array(3 * 1024 * 1024);
  const declared = await owner.client.upload('POST /probe/upload', { name: 'a', type: 'text/plain', bytes: tooMuch });
  expect([declared.status, declared.json.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  const justOver = await owner.client.upload('POST /probe/upload', {
    name: 'a',
    type: 'text/plain',
    bytes: new Uint8Array(1024 * 1024 + 10),
  });
  expect([justOver.status, justOver.json.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
});

/** head begins a request of the owner whose body follows. */
const head = (path: string, type: string, more: string) =>
  `POST /api/v1${path} HTTP/1.1\r\nhost: ${new URL(server.url).host}\r\nsec-fetch-site: same-origin\r\n` +
  `cookie: ${owner.client.cookie}\r\ncontent-type: ${type}\r\n${more}\r\n\r\n`;
const multipart = 'multipart/form-data; boundary=x';
const part = (filename: string) => `--x\r\ncontent-disposition: form-data; name="file"; ${filename}\r\n\r\n`;

test.each([
  ['JSON', '/probe/echo/a', 'application/json', ''],
  ['a file', '/probe/upload', multipart, part('filename="a"')],
])(
  '[K5.1] %s that is too large by its declared length is answered at once, and the connection serves the next request',
  async (_what, path, type, start) => {
    const { port, hostname } = new URL(server.url);
    const size = 3 * 1024 * 1024;
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8').on('data', (more) => (text += more));
    socket.write(head(path, type, `content-length: ${size}`) + start);
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 413 [^]*PAYLOAD_TOO_LARGE/);
    expect(text.toLowerCase()).not.toContain('connection: close');
    // A client that goes on sending still gets to read the answer, instead of a reset.
    text = '';
    socket.write(Buffer.alloc(size - start.length, 97));
    socket.write('GET /api/v1/probe/caller HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    await new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject));
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  },
);

test('[K5.1] whoever asks before sending is told to go on only when the request is allowed', async () => {
  const expects = (length: number) => `expect: 100-continue\r\nconnection: close\r\ncontent-length: ${length}`;
  const refused = await raw(head('/probe/upload', multipart, expects(100_000_000)));
  expect(refused).toMatch(/^HTTP\/1\.1 413 /);
  const stranger = head('/probe/upload', multipart, expects(100)).replace(/cookie: .*\r\n/, '');
  expect(await raw(stranger)).toMatch(/^HTTP\/1\.1 401 /);
  const body = '{"name":"a"}';
  const allowed = await raw(head('/probe/echo/a', 'application/json', expects(body.length)) + body);
  expect(allowed).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

test.each([
  ['that ends before its last boundary', multipart, `${part('filename="a"')}abc`],
  ['that ends in the head of its part', multipart, '--x\r\ncontent-disp'],
  ['without a boundary', 'multipart/form-data', 'abc'],
  ['with a boundary of 5,000 letters', `multipart/form-data; boundary=${'b'.repeat(5_000)}`, 'abc'],
  ['whose file name holds NUL', multipart, `${part('filename="a\0b"')}abc\r\n--x--\r\n`],
  ['whose encoded file name holds NUL', multipart, `${part("filename*=utf-8''a%00b")}abc\r\n--x--\r\n`],
])('[K5.1] [K5.3] a form %s is a 400, not a failure of ours', async (_what, type, body) => {
  const answer = await raw(head('/probe/upload', type, `connection: close\r\ncontent-length: ${body.length}`) + body);
  expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*INVALID_REQUEST/);
});

test('a form without a file, or a body that is no form, is refused', async () => {
  await owner.client.expect(415, 'POST /probe/upload', { body: { file: 'x' } });
  const boundary = { 'content-type': 'multipart/form-data; boundary=x' };
  const noFile = '--x\r\ncontent-disposition: form-data; name="other"\r\n\r\nhi\r\n--x--\r\n';
  const answer = await owner.client.ask('POST /probe/upload', { body: noFile, headers: boundary });
  expect([400, 413]).toContain(answer.status);
});
