/** Clients that are slow on purpose, and more work than there is time for, do not take the server away from the others. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../testing/agents-fixture.ts';
import { startTestServer, type Tenant, type TestServer } from '../testing/server.ts';

let server: TestServer;
let owner: Tenant;
beforeAll(async () => {
  server = await startTestServer({
    environment: { REQUEST_TIMEOUT_SECONDS: '2', LIMITS: 'agents.read=100000/60,agents.write=100000/60' },
  });
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

interface SlowClient {
  readonly socket: Socket;
  readonly answer: () => string;
  readonly closed: Promise<void>;
}

/** trickle sends a beginning at once and then one byte every 100 ms, for ever. */
function trickle(beginning: string): SlowClient {
  const { port, hostname } = new URL(server.url);
  let answer = '';
  let timer: NodeJS.Timeout | undefined;
  const socket = connect(Number(port), hostname, () => {
    socket.write(beginning);
    timer = setInterval(() => socket.write('a'), 100);
  });
  socket
    .setEncoding('utf8')
    .on('data', (text: string) => (answer += text))
    .on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => clearInterval(timer));
  return { socket, answer: () => answer, closed };
}

function post(header: string, path = '/api/v1/agents'): string {
  const headers = [
    'host: a',
    'sec-fetch-site: same-origin',
    header,
    'content-type: application/json',
    'content-length: 1000',
  ];
  return `POST ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n{"name":"`;
}

describe('[K15.3] 300 slow clients at once', () => {
  test.each([
    ['in their headers', () => 'GET /api/v1/agents HTTP/1.1\r\nhost: a\r\nx-slow: ', /^HTTP\/1\.1 408 /],
    ['in their bodies', () => post(`cookie: ${owner.client.cookie}`), /^HTTP\/1\.1 408 /],
    ['in the bodies of requests that are refused', () => post('x-nobody: yes'), /^HTTP\/1\.1 401 /],
    ['in bodies for an address that does not exist', () => post('x-nobody: yes', '/nowhere'), /^HTTP\/1\.1 404 /],
  ])(
    '%s are each answered and cut off in time; others are answered meanwhile as if they were not there',
    async (_what, makeBeginning, expected) => {
      const beginning = makeBeginning();
      const slow = Array.from({ length: 300 }, () => trickle(beginning));
      const startedAt = performance.now();
      const milliseconds: number[] = [];
      let left = slow.length;
      for (const { closed } of slow) void closed.then(() => (left -= 1));
      await waitFor('all of them to be cut', async () => {
        const askedAt = performance.now();
        await owner.client.expect(200, 'GET /agents');
        milliseconds.push(performance.now() - askedAt);
        return left === 0;
      });
      expect(performance.now() - startedAt).toBeGreaterThan(1_500);
      for (const { answer } of slow) expect(answer()).toMatch(expected);
      expect(milliseconds.toSorted((a, b) => a - b)[Math.floor(milliseconds.length / 2)]).toBeLessThan(1_000);
    },
  );

  test('that open connections and say nothing are cut too', async () => {
    const { port, hostname } = new URL(server.url);
    const silent = Array.from({ length: 100 }, () => connect(Number(port), hostname));
    let left = silent.length;
    for (const socket of silent)
      socket
        .on('error', () => undefined)
        .once('close', () => (left -= 1))
        .resume();
    await waitFor('all of them to be cut', async () => {
      await owner.client.expect(200, 'GET /agents');
      return left === 0;
    });
  });
});

describe('[K15.3] an event loop that lags', () => {
  /** lag keeps the loop busy for so many times 900 ms, with a moment's pause between them. */
  async function lag(times: number): Promise<void> {
    for (let index = 0; index < times; index += 1) {
      const until = performance.now() + 900;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  test('sheds new work with 503 and a time to come back, answers health, and takes work again by itself', async () => {
    await owner.client.expect(200, 'GET /agents');
    await lag(9);
    // At once, before the next sample finds the loop at ease.
    const [shed, live] = await Promise.all([owner.client.ask('GET /agents'), owner.client.ask('GET //livez')]);
    expect(shed).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE', isRetryable: true } });
    expect(Number(shed.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(live.status).toBe(200);
    await waitFor('work to be taken again', async () => (await owner.client.ask('GET /agents')).status === 200);
  });
});
