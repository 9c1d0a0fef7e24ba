/** Proves K11.6 against real local servers; only name resolution is scripted, as it stands for the outside network. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { createLogger } from '#kernel/log';
import { createOutboundClient, type OutboundRequest, type Resolver } from './index.ts';

const log = createLogger({ level: 'silent' });
const loopback = ['127.0.0.0/8'];

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface ClientSetup {
  web?: readonly string[];
  model?: readonly string[];
  resolve?: Resolver;
}

function client({ model = [], resolve, web = [] }: ClientSetup = {}) {
  const outbound = createOutboundClient({
    config: { modelPrivateNetworks: model, outboundPrivateNetworks: web },
    log,
    resolve,
  });
  return { ...outbound, [Symbol.asyncDispose]: () => outbound.close() };
}

function request(more: Partial<OutboundRequest> = {}): OutboundRequest {
  return { purpose: 'web', maxResponseBytes: 1_000_000, ...more };
}

function resolvingTo(...answers: string[][]): Resolver {
  return (_hostname, callback) => {
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://①②⑦.0.0.1/',
  'http://0.0.0.0/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[2002:7f00:1::]/',
  'http://[fe80::1]/',
  'http://[fc00::1]/',
  'http://[fec0::1]/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://100.64.0.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
])('[K11.6] the forbidden literal address %s is refused before a connection', async (url) => {
  await using outbound = client();
  await expect(outbound.fetch(url, request())).rejects.toMatchObject({ code: 'OUTBOUND_ADDRESS_FORBIDDEN' });
});

test.each(['file:///etc/passwd', 'ftp://example.com/', 'gopher://x/', 'nonsense', 'http://user:pass@example.com/'])(
  '[K11.6] the address %s is refused as not callable',
  async (url) => {
    await using outbound = client();
    await expect(outbound.fetch(url, request())).rejects.toMatchObject({ code: 'OUTBOUND_URL_INVALID' });
  },
);

test.each([['127.0.0.1'], ['::1'], ['::ffff:10.0.0.1'], ['169.254.169.254'], ['fd00:ec2::254']])(
  '[K11.6] a name that resolves to %s is refused',
  async (address) => {
    await using outbound = client({ resolve: resolvingTo([address]) });
    await expect(outbound.fetch('http://innocent.example/', request())).rejects.toMatchObject({
      code: 'OUTBOUND_ADDRESS_FORBIDDEN',
    });
  },
);

test('[K11.6] a name that rebinds to a private address between two requests is refused the second time', async () => {
  let privateHits = 0;
  await using server = await serve((_req, res) => void res.end(String((privateHits += 1))));
  // 127.0.0.2 plays the public server, 127.0.0.1 the private one.
  await using outbound = client({ model: ['127.0.0.2/32'], resolve: resolvingTo(['127.0.0.2'], ['127.0.0.1']) });
  const alias = createServer((_req, res) => void res.setHeader('connection', 'close').end('alias'));
  alias.listen(server.port, '127.0.0.2');
  await once(alias, 'listening');
  const url = `http://rebind.example:${server.port}/`;
  const first = await outbound.fetch(url, request({ purpose: 'model' }));
  expect(await first.text()).toBe('alias');
  alias.close();
  await once(alias, 'close');
  await expect(outbound.fetch(url, request({ purpose: 'model' }))).rejects.toMatchObject({
    code: 'OUTBOUND_ADDRESS_FORBIDDEN',
  });
  expect(privateHits).toBe(0);
});

test('[K11.6] of a name with a public and a private address only the permitted one is connected to', async () => {
  let hits = 0;
  await using server = await serve((_req, res) => void res.end(String((hits += 1))));
  await using outbound = client({ web: loopback, resolve: resolvingTo(['10.0.0.1', '127.0.0.1']) });
  const response = await outbound.fetch(`http://mixed.example:${server.port}/`, request());
  expect(await response.text()).toBe('1');
});

test('[K11.6] the two allow-lists are separate: a network listed for models is closed to web requests', async () => {
  await using server = await serve((_req, res) => void res.end('inner'));
  await using outbound = client({ model: loopback });
  const response = await outbound.fetch(server.url, request({ purpose: 'model' }));
  expect(await response.text()).toBe('inner');
  await expect(outbound.fetch(server.url, request())).rejects.toMatchObject({ code: 'OUTBOUND_ADDRESS_FORBIDDEN' });
});

test('[K11.6] an IPv4-mapped literal of a listed network is the same address', async () => {
  await using server = await serve((_req, res) => void res.end('mapped'));
  await using outbound = client({ web: loopback });
  const response = await outbound.fetch(`http://[::ffff:127.0.0.1]:${server.port}/`, request());
  expect(await response.text()).toBe('mapped');
});

test('[K11.6] web requests reach unusual ports on listed networks only', async () => {
  await using outbound = client({ web: loopback, resolve: resolvingTo(['93.184.215.14']) });
  await expect(outbound.fetch('http://public.example:8080/', request())).rejects.toMatchObject({
    code: 'OUTBOUND_ADDRESS_FORBIDDEN',
  });
  await expect(outbound.fetch('http://93.184.215.14:22/', request())).rejects.toMatchObject({
    code: 'OUTBOUND_ADDRESS_FORBIDDEN',
  });
});

test('[K11.6] a redirect to a private address is refused, and the private server is never asked', async () => {
  let privateHits = 0;
  await using inner = await serve((_req, res) => void res.end(String((privateHits += 1))));
  await using outer = await serve(
    (_req, res) => void res.writeHead(302, { location: `http://127.0.0.1:${inner.port}/admin` }).end(),
  );
  await using outbound = client({ web: ['127.0.0.3/32'], resolve: resolvingTo(['127.0.0.3']) });
  // 127.0.0.3 reaches the outer server through an alias that is listed; the redirect's target is not.
  const alias = createServer(
    (_req, res) => void res.writeHead(302, { location: `http://127.0.0.1:${inner.port}/admin` }).end(),
  );
  alias.listen(outer.port, '127.0.0.3');
  await once(alias, 'listening');
  await expect(
    outbound.fetch(`http://outer.example:${outer.port}/`, request({ maxRedirects: 5 })),
  ).rejects.toMatchObject({
    code: 'OUTBOUND_ADDRESS_FORBIDDEN',
  });
  alias.closeAllConnections();
  alias.close();
  await once(alias, 'close');
  expect(privateHits).toBe(0);
});

test('[K11.6] credentials do not follow a redirect to another origin, and stay within the same one', async () => {
  const seen: Record<string, unknown>[] = [];
  await using other = await serve((req, res) => {
    seen.push(req.headers);
    res.end('other');
  });
  await using server = await serve((req, res) => {
    if (req.url === '/away') res.writeHead(307, { location: `${other.url}/` }).end();
    else if (req.url === '/near') res.writeHead(302, { location: '/here' }).end();
    else res.end(JSON.stringify(req.headers));
  });
  await using outbound = client({ web: loopback });
  const headers = { Authorization: 'Bearer hush', cookie: 'a=b', 'x-api-key': 'hush', accept: 'text/plain' };
  await (await outbound.fetch(`${server.url}/away`, request({ headers, maxRedirects: 3 }))).text();
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ accept: 'text/plain' });
  expect(JSON.stringify(seen)).not.toContain('hush');
  expect(seen[0]).not.toHaveProperty('cookie');
  const near = await outbound.fetch(`${server.url}/near`, request({ headers, maxRedirects: 3 }));
  expect(await near.text()).toContain('Bearer hush');
});

test('[K11.6] a redirect loop ends after the allowed hops, and without hops the redirect itself is the answer', async () => {
  let hits = 0;
  await using server = await serve((_req, res) => {
    hits += 1;
    res.writeHead(301, { location: '/' }).end();
  });
  await using outbound = client({ web: loopback });
  await expect(outbound.fetch(server.url, request({ maxRedirects: 3 }))).rejects.toMatchObject({
    code: 'OUTBOUND_TOO_MANY_REDIRECTS',
  });
  expect(hits).toBe(4);
  const plain = await outbound.fetch(server.url, request());
  expect(plain.status).toBe(301);
  plain.discard();
});

test('[K11.6] a gzip bomb stops at the cap on decompressed bytes', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
  await using server = await serve((_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
  await using outbound = client({ web: loopback });
  const before = process.memoryUsage().rss;
  const response = await outbound.fetch(server.url, request({ maxResponseBytes: 1024 * 1024 }));
  await expect(response.text()).rejects.toMatchObject({ code: 'OUTBOUND_TOO_LARGE' });
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
});

test('[K11.6] compressed bodies are decoded; damaged, stacked and unknown encodings are refused', async () => {
  await using server = await serve((req, res) => {
    const encoding = req.url?.slice(1) ?? '';
    const body = encoding === 'gzip' ? gzipSync('hello '.repeat(1000)) : Buffer.from('not compressed');
    res.writeHead(200, { 'content-encoding': encoding === 'damaged' ? 'gzip' : encoding }).end(body);
  });
  await using outbound = client({ web: loopback });
  const good = await outbound.fetch(`${server.url}/gzip`, request());
  expect(await good.text()).toBe('hello '.repeat(1000));
  const damaged = await outbound.fetch(`${server.url}/damaged`, request());
  await expect(damaged.text()).rejects.toMatchObject({ code: 'OUTBOUND_BAD_RESPONSE' });
  await expect(outbound.fetch(`${server.url}/gzip,gzip`, request())).rejects.toMatchObject({
    code: 'OUTBOUND_BAD_RESPONSE',
  });
  await expect(outbound.fetch(`${server.url}/rot13`, request())).rejects.toMatchObject({
    code: 'OUTBOUND_BAD_RESPONSE',
  });
});

test('[K11.6] a body of any length is cut at the cap, and the connection with it', async () => {
  let closed: () => void = () => undefined;
  const isClosed = new Promise<void>((resolve) => (closed = resolve));
  await using server = await serve((_req, res) => {
    res.on('close', closed);
    const timer = setInterval(() => void res.write(Buffer.alloc(64 * 1024)), 1);
    res.on('close', () => clearInterval(timer));
  });
  await using outbound = client({ web: loopback });
  const response = await outbound.fetch(server.url, request({ maxResponseBytes: 500_000 }));
  await expect(response.text()).rejects.toMatchObject({ code: 'OUTBOUND_TOO_LARGE' });
  await isClosed;
});

test('[K11.6] a reader that stops holds the sender back instead of filling memory', async () => {
  let sent = 0;
  let blocked: () => void = () => undefined;
  const isBlocked = new Promise<void>((resolve) => (blocked = resolve));
  await using server = await serve((_req, res) => {
    const piece = Buffer.alloc(256 * 1024);
    function pump(): void {
      while (sent < 400) {
        sent += 1;
        if (!res.write(piece)) {
          const timer = setTimeout(blocked, 200);
          res.once('drain', () => {
            clearTimeout(timer);
            pump();
          });
          return;
        }
      }
      res.end();
    }
    pump();
  });
  await using outbound = client({ web: loopback });
  const response = await outbound.fetch(server.url, request({ maxResponseBytes: 1e9 }));
  await isBlocked; // nothing reads yet: the sender must come to a halt by itself
  expect(sent).toBeLessThan(100);
  let bytes = 0;
  for await (const piece of response.body) bytes += piece.length;
  expect(bytes).toBe(400 * 256 * 1024);
});

test.each([
  ['headers', { headersTimeoutMilliseconds: 60 }, () => undefined],
  ['idle', { idleTimeoutMilliseconds: 60 }, (_req: unknown, res: { write(text: string): void }) => res.write('a')],
  [
    'total',
    { totalTimeoutMilliseconds: 150 },
    (_req: unknown, res: { write(text: string): boolean; on(event: string, f: () => void): void }) => {
      const timer = setInterval(() => res.write('drip'), 10);
      res.on('close', () => clearInterval(timer));
    },
  ],
] as const)('[K11.6] the %s timeout ends a call and says which it was', async (phase, timeouts, listener) => {
  await using server = await serve(listener as RequestListener);
  await using outbound = client({ web: loopback });
  const call = outbound.fetch(server.url, request(timeouts)).then((response) => response.text());
  await expect(call).rejects.toMatchObject({ code: 'OUTBOUND_TIMEOUT', options: { extensions: { phase } } });
});

test('[K11.6] the connect timeout covers a resolver that never answers', async () => {
  await using outbound = client({ resolve: () => undefined });
  const call = outbound.fetch('http://silent.example/', request({ connectTimeoutMilliseconds: 80 }));
  await expect(call).rejects.toMatchObject({ code: 'OUTBOUND_TIMEOUT', options: { extensions: { phase: 'connect' } } });
});

test('[K11.6] aborting ends the call at once, before and during the body', async () => {
  await using server = await serve((req, res) => void (req.url === '/body' && res.write('part')));
  await using outbound = client({ web: loopback });
  const early = new AbortController();
  const waiting = outbound.fetch(server.url, request({ signal: early.signal }));
  early.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'OUTBOUND_ABORTED' });
  const late = new AbortController();
  const response = await outbound.fetch(`${server.url}/body`, request({ signal: late.signal }));
  const reading = response.text();
  late.abort();
  await expect(reading).rejects.toMatchObject({ code: 'OUTBOUND_ABORTED' });
  await expect(outbound.fetch(server.url, request({ signal: AbortSignal.abort() }))).rejects.toMatchObject({
    code: 'OUTBOUND_ABORTED',
  });
});

test('[K11.6] refused connections, unknown names, resets and nonsense each have their own error', async () => {
  const tcp = createTcpServer((socket) => {
    socket.once('data', (data) => {
      if (data.includes('/reset')) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npartial');
        setImmediate(() => socket.resetAndDestroy());
      } else socket.end('SSH-2.0-OpenSSH_9.9\r\n');
    });
    socket.on('error', () => undefined);
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  await using outbound = client({
    web: loopback,
    resolve: (_name, done) => done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []),
  });
  await expect(outbound.fetch(`http://127.0.0.1:${port}/ssh`, request())).rejects.toMatchObject({
    code: 'OUTBOUND_BAD_RESPONSE',
  });
  const broken = outbound.fetch(`http://127.0.0.1:${port}/reset`, request()).then((response) => response.text());
  await expect(broken).rejects.toMatchObject({ code: 'OUTBOUND_INTERRUPTED' });
  tcp.close();
  await once(tcp, 'close');
  await expect(outbound.fetch(`http://127.0.0.1:${port}/`, request())).rejects.toMatchObject({
    code: 'OUTBOUND_UNREACHABLE',
  });
  await expect(outbound.fetch('http://nowhere.example/', request())).rejects.toMatchObject({
    code: 'OUTBOUND_UNREACHABLE',
    options: { extensions: { reason: 'ENOTFOUND' } },
  });
});

test('[K11.6] proxy settings of the environment are ignored', async () => {
  await using server = await serve((_req, res) => void res.end('direct'));
  vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:9');
  vi.stubEnv('http_proxy', 'http://127.0.0.1:9');
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  await using outbound = client({ web: loopback });
  const response = await outbound.fetch(server.url, request());
  expect(await response.text()).toBe('direct');
  vi.unstubAllEnvs();
});

test('[K11.6] a request header that would split the message is refused', async () => {
  await using server = await serve((_req, res) => void res.end());
  await using outbound = client({ web: loopback });
  const call = outbound.fetch(server.url, request({ headers: { 'x-note': 'a\r\nx-admin: 1' } }));
  await expect(call).rejects.toMatchObject({ code: 'OUTBOUND_URL_INVALID' });
});

test('[K11.6] a header that cannot be sent is refused, and the next request to the same host is not held up by it', async () => {
  await using server = await serve((_req, res) => void res.end('fine'));
  await using outbound = client({ web: loopback, resolve: resolvingTo(['127.0.0.1']) });
  const url = server.url.replace('127.0.0.1', 'models.example.com');
  for (const headers of [{ authorization: 'Bearer \u{F11}' }, { 'x y': '1' }] as Record<string, string>[]) {
    const call = outbound.fetch(url, request({ headers }));
    await expect(call).rejects.toMatchObject({ code: 'OUTBOUND_URL_INVALID' });
  }
  const next = await outbound.fetch(url, request({ totalTimeoutMilliseconds: 5_000 }));
  expect(await next.text()).toBe('fine');
});
