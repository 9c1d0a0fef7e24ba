/** Event streams over real sockets: order, silence, slow clients, and the end of the server. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProbe } from '#testing/probe-app';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import type { EventWriter } from '../types.ts';

const { app, probe } = createProbe();
let server: TestServer;
let owner: Tenant;

beforeAll(async () => {
  server = await startTestServer({
    apps: [app],
    streamLimits: { heartbeatSeconds: 1, maxBufferedBytes: 256 * 1024, stallSeconds: 2 },
  });
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** openRaw asks for the stream and never reads it, as a client does whose network has gone. */
function openRaw(): Promise<Socket> {
  const { port, hostname, host } = new URL(server.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET /api/v1/probe/stream HTTP/1.1\r\nhost: ${host}\r\ncookie: ${owner.client.cookie}\r\n\r\n`);
      resolve(socket.pause());
    });
  });
}

/** whenOpened resolves with the writer of the next stream; the stream stays open until its signal aborts. */
function whenOpened(): Promise<{ writer: EventWriter; signal: AbortSignal; ended: Promise<void> }> {
  return new Promise((resolve) => {
    probe.onStream = (writer, signal) => {
      const ended = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
      resolve({ writer, signal, ended });
      return ended;
    };
  });
}

test('a stream carries ids, types and data in order, uncompressed and uncached', async () => {
  probe.onStream = async (writer) => {
    writer.write([{ id: '1-1', event: 'text-delta', data: '{"text":"Hé"}' }, { data: '{}' }]);
    writer.write([]);
    writer.write([{ id: '1-2', event: 'done', data: '{}' }]);
  };
  const answer = await owner.client.expect(200, 'GET /probe/stream');
  expect(answer.text).toBe(
    'id: 1-1\nevent: text-delta\ndata: {"text":"Hé"}\n\ndata: {}\n\nid: 1-2\nevent: done\ndata: {}\n\n',
  );
  expect(
    Object.fromEntries(
      ['content-type', 'cache-control', 'x-accel-buffering', 'content-encoding'].map((name) => [
        name,
        answer.headers.get(name),
      ]),
    ),
  ).toEqual({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'content-encoding': null,
  });
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(answer.headers.get('ratelimit-policy')).toContain('probe.any');
});

test('text of any script and size arrives whole, in one chunk per write, also to a client of HTTP/1.0', async () => {
  const text = JSON.stringify('é漢字🙂'.repeat(500));
  probe.onStream = async (writer) => {
    for (let part = 0; part < 20; part += 1) writer.write([{ data: text }, { data: '"ascii"' }]);
    await writer.drained();
  };
  const expected = `data: ${text}\n\ndata: "ascii"\n\n`.repeat(20);
  expect((await owner.client.expect(200, 'GET /probe/stream')).text).toBe(expected);

  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname, () => {
    socket.write(`GET /api/v1/probe/stream HTTP/1.0\r\nhost: a\r\ncookie: ${owner.client.cookie}\r\n\r\n`);
  });
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(expected);
});

test('a connection serves further requests after a stream has ended', async () => {
  probe.onStream = async (writer) => writer.write([{ data: '1' }]);
  const { port, hostname, host } = new URL(server.url);
  const request = `GET /api/v1/probe/stream HTTP/1.1\r\nhost: ${host}\r\ncookie: ${owner.client.cookie}\r\n`;
  const socket = connect(Number(port), hostname, () =>
    socket.write(`${request}\r\n${request}connection: close\r\n\r\n`),
  );
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  expect(answer.match(/data: 1\n\n\r\n0\r\n\r\n/g)).toHaveLength(2);
});

test('[K12.5] silence is filled with comments', async () => {
  const opened = whenOpened();
  const stop = new AbortController();
  const response = await owner.client.open('GET /probe/stream', { signal: stop.signal });
  await opened;
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toBe(': keep-alive\n\n');
  stop.abort();
});

test('a client that goes away aborts its stream, and the server forgets it', async () => {
  const opened = whenOpened();
  const stop = new AbortController();
  await owner.client.open('GET /probe/stream', { signal: stop.signal });
  const { ended, writer } = await opened;
  stop.abort();
  await ended;
  writer.write([{ data: 'nobody reads this' }]);
  await expect.poll(() => server.bulkhead.server.streams.count).toBe(0);
});

test('a client that takes nothing is cut when too much waits for it', async () => {
  const opened = whenOpened();
  const socket = await openRaw();
  const { writer, ended, signal } = await opened;
  const data = 'x'.repeat(64 * 1024);
  let written = 0;
  while (!signal.aborted && written < 64 * 1024 * 1024) {
    writer.write([{ data }]);
    written += data.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  expect(written).toBeLessThan(32 * 1024 * 1024);
  socket.destroy();
});

test('a client that stops taking is cut after the stall time, and drained() does not wait for ever', async () => {
  const opened = whenOpened();
  const socket = await openRaw();
  const { writer, ended } = await opened;
  const data = 'x'.repeat(16 * 1024);
  // Fill the kernel's buffers, then let a little wait in ours.
  for (let total = 0; writer.bufferedBytes < 32 * 1024 && total < 64 * 1024 * 1024; total += data.length) {
    writer.write([{ data }]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all([ended, writer.drained()]);
  socket.destroy();
});

test('[K12.5] draining turns new work away, then ends the open streams; health says so', async () => {
  const opened = whenOpened();
  const response = await owner.client.open('GET /probe/stream');
  const { writer } = await opened;
  writer.write([{ data: 'before' }]);
  const draining = server.bulkhead.drain();
  const refused = await owner.client.expect(503, 'GET /probe/caller');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await server.anonymous.expect(503, 'GET //readyz')).json.status).toBe('draining');
  await server.anonymous.expect(200, 'GET //livez');
  expect(await response.text()).toContain('data: before');
  await draining;
});
