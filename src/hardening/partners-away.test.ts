/** The database or Redis going away for a moment costs nobody an answer, and is told in a sentence meanwhile. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Message, Turn } from '../apps/agents/contract.ts';
import { parseEvents, say, waitFor, waitForAnswer } from '../testing/agents-fixture.ts';
import { asAdmin } from '../testing/as-admin.ts';
import { describeDatabase } from '../testing/database.ts';
import { parseDatabaseUrl } from '../kernel/db/pools.ts';
import { RedisProcess, isRedisInstalled, isRedisRequired } from '../testing/redis-process.ts';
import { startTestServer } from '../testing/server.ts';
import { findFreePort } from '../testing/server-process.ts';
import { TcpProxy } from '../testing/tcp-proxy.ts';
import { startWholeServer, type WholeServer } from '../testing/whole-server.ts';

const awayMilliseconds = 3_000;
const wordsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `w${index + 1} `).join('');

/** proxyTo stands in front of the database of a URL, be it on a port or on a Unix socket. */
function proxyTo(url: string): TcpProxy {
  const { host, port } = parseDatabaseUrl(url);
  return new TcpProxy(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
}

async function readText(server: WholeServer, turn: Turn): Promise<{ ids: string[]; text: string; types: string[] }> {
  const { text } = await server.client.expect(200, `GET /runs/${turn.run.id}/events`, {
    headers: { accept: 'text/event-stream' },
  });
  const events = parseEvents(text);
  return {
    ids: events.map(({ id }) => id),
    types: events.map(({ type }) => type),
    text: events.flatMap(({ type, data }) => (type === 'text-delta' ? [data.text as string] : [])).join(''),
  };
}

/** askWhileAway asks often while the database is away and lists what people were told. */
async function askWhileAway(server: WholeServer): Promise<string[]> {
  const told: string[] = [];
  const until = performance.now() + awayMilliseconds;
  while (performance.now() < until) {
    const [list, live, ready] = await Promise.all([
      server.client.ask('GET /agents'),
      server.client.ask('GET //livez'),
      server.client.ask('GET //readyz'),
    ]);
    told.push(`agents ${list.status} ${list.json?.code ?? ''}`, `livez ${live.status}`, `readyz ${ready.status}`);
    await wait(100);
  }
  return told;
}

/** waitUntilReady waits for every part, and names those that stay away. */
async function waitUntilReady(server: WholeServer): Promise<void> {
  let parts = '';
  await waitFor('every part to be ready', async () => {
    const answer = await server.client
      .ask('GET //readyz')
      .catch((error: unknown) => ({ status: 0, text: String(error) }));
    parts = answer.text;
    return answer.status === 200;
  }).catch((error: unknown) => expect.fail(`${String(error)}: ${parts}\n${server.process.output()}`));
}

test(`[K12.3] [K10.1] ${describeDatabase()} away for 3 s in mid-answer: the answer completes, nothing is lost, the journal has no gap`, async () => {
  let proxy: TcpProxy | undefined;
  await using disposer = new AsyncDisposableStack();
  const ready = Promise.withResolvers<TcpProxy>();
  const server = disposer.use(
    await startWholeServer({
      throughUrl: async (url) => {
        proxy = await proxyTo(url).restore();
        ready.resolve(proxy);
        const through = new URL(url);
        through.searchParams.delete('host');
        through.hostname = '127.0.0.1';
        through.port = String(proxy.port);
        return through.href;
      },
    }),
  );
  disposer.use(await ready.promise);
  const conversationId = await server.converse('scripted:tokens=300,gap=20');
  const turn = await say(server.client, conversationId, 'Go');
  const response = await server.client.open(`GET /runs/${turn.run.id}/events`, {
    headers: { accept: 'text/event-stream' },
  });
  const live = response.text();
  live.catch(() => undefined); // awaited below; a failure in between must not be the one that is told
  await waitFor('some words to be durable', async () => {
    const rows = await asAdmin(server.database!, (query) =>
      query('select from kernel.run_events where run_id = $1', [turn.run.id]),
    );
    return rows.length > 2;
  });

  await proxy!.cut();
  const told = new Set(await askWhileAway(server));
  await proxy!.restore();

  // While it is away people hear 503, with the reason, and never 500.
  expect([...told].filter((line) => !/^(agents 503 UNAVAILABLE|livez 200|readyz 503)$/.test(line))).toEqual([]);
  expect(told).toContain('agents 503 UNAVAILABLE');
  const answer: Message = await waitForAnswer(server.client, turn);
  expect(answer).toMatchObject({ state: 'complete', text: wordsUpTo(300) });
  const journal = await readText(server, turn);
  const received = parseEvents(await live);
  // One attempt, numbered without a gap, the same for who watched and who comes later.
  expect(journal.ids).toEqual(journal.ids.map((_, index) => `${journal.ids[0]!.split('-')[0]}-${index + 1}`));
  expect(journal.text).toBe(wordsUpTo(300));
  expect(received.map(({ id }) => id)).toEqual(journal.ids);
  expect(received.at(-1)).toMatchObject({ type: 'done', data: { state: 'succeeded' } });
  const { json } = await server.client.expect(200, `GET /conversations/${conversationId}/messages`);
  expect(json.items).toHaveLength(2);
  await waitForAnswer(server.client, await say(server.client, await server.converse('echo'), 'And it goes on'));
  await waitUntilReady(server);

  // Once more while the job engine, which opens last, is being set up: it must neither stay away for ever nor end the server.
  server.process.kill('SIGTERM');
  const held = proxy!.holdAt('GRANT USAGE ON SCHEMA "dbos"');
  await server.startAgain();
  await held;
  await proxy!.cut();
  await wait(500);
  await proxy!.restore();
  await waitUntilReady(server);
  await server.client.expect(200, 'GET /agents');
});

async function proveRedisAway(): Promise<void> {
  await using redis = await new RedisProcess(await findFreePort()).start();
  await using server = await startTestServer({ environment: { REDIS_URL: redis.url, LIMITS: 'agents.read=40/600' } });
  const { client } = await server.signUpOwner();
  const ask = (times: number) => Promise.all(Array.from({ length: times }, () => client.ask('GET /agents')));
  const limitsState = async (): Promise<unknown> => {
    const { status, json } = await client.ask('GET //readyz');
    return { status, limits: json.checks.limits };
  };
  const answers = await ask(10);
  const stopping = redis.stop();
  answers.push(...(await ask(20)));
  await stopping;
  answers.push(...(await ask(100)));
  // Nobody hears of it: calls are answered or refused as with Redis, and the limit holds to the call.
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
  for (const { status, headers } of answers)
    if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  for (const { headers } of answers) expect(headers.get('ratelimit')).toMatch(/^"agents\.read";r=\d+;t=\d+$/);
  await waitFor(
    'readiness to tell',
    async () => JSON.stringify(await limitsState()) === '{"status":200,"limits":"degraded"}',
  );
  await redis.start();
  await waitFor(
    'Redis to be used again',
    async () => JSON.stringify(await limitsState()) === '{"status":200,"limits":"ok"}',
  );
  expect((await client.ask('GET /agents')).status).toBe(429);
}

// A machine without redis-server has nothing to take away, unless it was told that Redis must be tested.
if (isRedisInstalled() || isRedisRequired()) {
  test(
    '[K4.3] Redis killed in mid-load: every call is still answered, the limit holds to the call, readiness says degraded and then recovers',
    proveRedisAway,
    120_000,
  );
}
