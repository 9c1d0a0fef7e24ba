/** Nothing that people or their programs say reaches the log: canaries in every field of every route, the log at its most talkative. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { apps } from '../../apps.ts';
import { kernelModules } from '../../modules.ts';
import { createClient } from '../client.ts';
import { startTestServer, type Tenant, type TestServer } from '../server.ts';
import { sampleFromSchema } from './sample-from-schema.ts';
import { createSamples, fillPath, parametersOf, type Samples } from './sample-resources.ts';

/** What ends the session goes last; with a password in the body it fails before it changes anything. */
const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)].toSorted(
  (a, b) => Number(endsSession(a)) - Number(endsSession(b)),
);
function endsSession(route: Route): boolean {
  return /sign-out|revoke|DELETE/.test(route.key);
}

let server: TestServer;
let owner: Tenant;
let samples: Samples;
let session: string;
let log = '';
let count = 0;
const canaries: string[] = [];

/** canary makes a text that can come from nowhere else. */
function canary(): string {
  count += 1;
  const text = `kanarienvogel${count}x`;
  canaries.push(text);
  return text;
}

beforeAll(async () => {
  const destination = { write: (line: string) => void (log += line) };
  const limits = [...new Set(routes.map((route) => `${route.limit.name}=100000/60`))].join(',');
  server = await startTestServer({
    log: createLogger({ level: 'trace', destination }),
    environment: { LIMITS: limits },
  });
  owner = await server.signUpOwner();
  session = decodeURIComponent(owner.client.cookie.split('=')[1] ?? '');
  samples = await createSamples(server, owner);
}, 120_000);
afterAll(() => server?.[Symbol.asyncDispose]());

function headersWithCanaries(): Record<string, string> {
  return {
    'user-agent': canary(),
    referer: `https://example.com/${canary()}`,
    authorization: `Bearer ${canary()}`,
    'x-forwarded-for': canary(),
    'last-event-id': canary(),
    [`x-${canary()}`]: canary(),
  };
}

/** ids gives the real thing for a known name, so that the handler is reached; a canary stands in for what is not a UUID. */
const sampled = (route: Route, part: 'body' | 'query') => {
  const schema = route.operation[part];
  return schema && sampleFromSchema(schema, `/${part}`, { text: canary, id: (name) => samples[name] ?? newId() });
};

async function sendCanaries(route: Route): Promise<void> {
  const { client } = owner;
  const query = new URLSearchParams((sampled(route, 'query') ?? {}) as Record<string, string>);
  const body = sampled(route, 'body');
  const path = fillPath(route, samples);
  const headers = headersWithCanaries();
  if (route.operation.upload) {
    await client.upload(path, {
      name: `${canary()}.txt`,
      type: `text/${canary()}`,
      bytes: `${canary()} and ${canary()}`,
    });
    return;
  }
  const signal = AbortSignal.timeout(10_000);
  await client.ask(path, { body, headers, signal });
  await client.ask(`${path}?${query.toString()}`, { body, headers, signal });
  // Refused input: unknown fields, fields of the wrong type, ids that are no ids, a body that is no JSON.
  await client.ask(`${path}?${canary()}=${canary()}`, {
    body: route.key.startsWith('GET ') ? undefined : { ...(body as object), [canary()]: canary() },
    headers,
    signal,
  });
  await client.ask(fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, canary()]))), {
    body,
    headers,
    signal,
  });
  if (body) await client.ask(path, { body: `{"name": "${canary()}`, headers, signal });
  await createClient(server.url).ask(path, {
    body,
    headers: { ...headers, cookie: `__Host-bulkhead_session=${canary()}` },
    signal,
  });
}

/** excerpt shows where a canary sits. */
function excerpt(text: string): string {
  const at = log.indexOf(text);
  return log.slice(Math.max(0, at - 200), at + text.length + 60);
}

test('[K7.1] canaries in path, query, headers and body of every route appear in no line of the log', async () => {
  for (const route of routes) await sendCanaries(route);
  await createClient(server.url).ask(`GET /${canary()}/${canary()}?${canary()}=${canary()}`, {
    headers: headersWithCanaries(),
  });
  expect(canaries.length).toBeGreaterThan(500);

  const reached = new Set([...log.matchAll(/"route":"([^"]+)"/g)].map((match) => match[1]));
  expect(routes.map((route) => route.id).filter((id) => !reached.has(id))).toEqual([]);
  const sung = canaries.filter((text) => log.includes(text));
  expect(sung.map((text) => excerpt(text))).toEqual([]);
});

test('[K7.1] neither passwords, addresses, keys nor session tokens are in the log', () => {
  for (const secret of [
    'ada@example.com',
    'stranger',
    'Zwergen',
    'a-key-nobody-else-sees',
    session.slice(0, 20),
    'made of rock',
  ]) {
    expect(secret.length).toBeGreaterThan(6);
    expect([secret, log.includes(secret)]).toEqual([secret, false]);
  }
});

test('[K7.1] every line of the log is one JSON object, requests with id, route, status and duration', () => {
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const requests = lines.filter((line) => line['msg'] === 'request');
  expect(requests.length).toBeGreaterThan(routes.length);
  for (const line of requests) {
    expect(line).toMatchObject({
      requestId: expect.any(String),
      route: expect.any(String),
      status: expect.any(Number),
      durationMs: expect.any(Number),
    });
  }
});
