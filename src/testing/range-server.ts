/** A server that speaks the range API of breached passwords, and stalls or fails when a test says so. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RangeServer extends AsyncDisposable {
  /** What BREACH_RANGE_URL is set to. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly asked: readonly string[];
  behave(how: 'answer' | 'fail' | 'stall' | 'rubbish'): void;
}

/** startRangeServer knows the given passwords as breached, among padding with the count 0. */
export async function startRangeServer(breached: readonly string[]): Promise<RangeServer> {
  const asked: string[] = [];
  let behaviour: 'answer' | 'fail' | 'stall' | 'rubbish' = 'answer';
  const digests = breached.map((password) => createHash('sha1').update(password).digest('hex').toUpperCase());
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (behaviour === 'stall') return;
    if (behaviour === 'fail') return void response.writeHead(503).end();
    if (behaviour === 'rubbish') return void response.end('\0\uFFFD:::\n:\n');
    const prefix = request.url?.split('/').at(-1) ?? '';
    const found = digests.filter((digest) => digest.startsWith(prefix)).map((digest) => `${digest.slice(5)}:42`);
    const padding = Array.from({ length: 30 }, (_, index) => `${String(index).padStart(35, 'A')}:0`);
    response.end([...padding, ...found].join('\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`,
    asked,
    behave: (how) => void (behaviour = how),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
