/** What callers prove themselves with and whom they write to reaches no line of the log, the log at its most talkative: tokens of every kind, cookies, forms, directories, files, mail, push. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { apps } from '../../apps.ts';
import { formatToken, newSecret } from '../../kernel/auth/bearer-token.ts';
import { kernelModules } from '../../modules.ts';
import { waitFor } from '../agents-fixture.ts';
import { createLink, createTeam } from '../team-fixture.ts';
import { startMailServer, type MailServer } from '../mail-server.ts';
import { startPushService, type PushTestService } from '../push-service.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../server.ts';
import { sampleFromSchema } from './sample-from-schema.ts';
import { createSamples, fillPath, type Samples } from './sample-resources.ts';

const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];

let server: TestServer;
let mail: MailServer;
let push: PushTestService;
let owner: Tenant;
let samples: Samples;
let log = '';
let count = 0;
const secrets = new Set<string>();

/** secret keeps what must not be in the log, and gives it back. */
function secret(text: string): string {
  expect(text.length).toBeGreaterThan(8);
  secrets.add(text);
  return text;
}
const canary = (): string => secret(`wellensittich${(count += 1)}x`);

/** What a mail server says when it refuses quotes what it was given. */
const quoting = {
  onRcptTo({ address }: { address: string }, _session: unknown, done: (error?: Error) => void) {
    const isRefused = address.startsWith('refused-');
    done(isRefused ? Object.assign(new Error(`no mailbox ${address} here`), { responseCode: 550 }) : undefined);
  },
};

beforeAll(async () => {
  [mail, push] = await Promise.all([startMailServer({ smtp: quoting }), startPushService()]);
  const destination = { write: (line: string) => void (log += line) };
  server = await startTestServer({
    log: createLogger({ level: 'trace', destination }),
    environment: {
      LIMITS: [...new Set(routes.map((route) => `${route.limit.name}=100000/60`))].join(','),
      MAIL_SMTP_URL: mail.url,
      MAIL_FROM: 'Bulkhead <bulkhead@example.net>',
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.1/32',
    },
  });
  owner = await server.signUpOwner();
  samples = await createSamples(server, owner);
}, 120_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mail?.[Symbol.asyncDispose]();
  await push?.[Symbol.asyncDispose]();
});

/** Like a program: with these headers and none of a browser's. */
async function ask(route: string, headers: Record<string, string>, body?: string): Promise<Response> {
  const [method = '', path = ''] = route.split(' ');
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers,
    body: body ?? null,
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  });
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) await response.body?.cancel();
  return response;
}

function contentType({ operation }: Route): string {
  if (operation.form) return 'application/x-www-form-urlencoded';
  return operation.protocol?.mediaType ?? 'application/json';
}

/** bodyOf fills every field with canaries, in the form the route takes. */
function bodyOf(route: Route): string | undefined {
  const { body, form } = route.operation;
  if (!body) return undefined;
  const value = sampleFromSchema(body, '/body', { text: canary, id: (name) => samples[name] ?? newId() });
  return form ? new URLSearchParams(value as Record<string, string>).toString() : JSON.stringify(value);
}

/** Every log line is written before the next request is answered; what works in the background is waited for by its own test. */
function expectSilence(): void {
  const said = [...secrets].filter((text) => log.includes(text));
  const excerpt = (text: string) =>
    log.slice(Math.max(0, log.indexOf(text) - 300), log.indexOf(text) + text.length + 60);
  expect(said.map(excerpt)).toEqual([]);
}

test('[K7.1] [K2.8] tokens of every prefix, invented, damaged or real, and cookies are in no line, whatever route they come to', async () => {
  const invented = (prefix: 'bhk' | 'bat' | 'brt' | 'bac' | 'bsc') =>
    `Bearer ${secret(formatToken(prefix, newId(), secret(newSecret())))}`;
  const { json } = await owner.client.expect(200, 'GET /api-key-scopes');
  const scopes = json.scopes.map(({ permission }: { permission: string }) => permission);
  const key = await owner.client.expect(201, 'POST /api-keys', { body: { name: 'Real', scopes } });
  const phone = await ask(
    'POST /auth/token',
    { 'content-type': 'application/json' },
    JSON.stringify({ identifier: 'ada@example.com', password: secret(strongPassword), deviceName: canary() }),
  );
  const tokens = (await phone.json()) as { accessToken: string; refreshToken: string };
  secret(tokens.refreshToken);
  const real = [key.json.secret, tokens.accessToken, samples['directorySecret']].map(
    (token: string) => `Bearer ${secret(token)}`,
  );
  for (const [index, route] of routes.entries()) {
    const shown = [
      ...(['bhk', 'bat', 'brt', 'bac', 'bsc'] as const).map(invented),
      `Bearer bhk_${canary()}`,
      `Basic ${secret(btoa(canary()))}`,
      canary(),
    ];
    const path = fillPath(route, samples);
    const isRead = route.key.startsWith('GET ');
    const headers: Record<string, string> = isRead ? {} : { 'content-type': contentType(route) };
    const body = isRead ? undefined : '{}';
    await ask(
      path,
      {
        ...headers,
        authorization: shown[index % shown.length] ?? '',
        cookie: `theme=${canary()}; __Host-bulkhead_session=${canary()}.${canary()}`,
      },
      body,
    );
    if (isRead) await ask(path, { authorization: real[index % real.length] ?? '', 'x-api-key': canary() });
  }
  const refresh = await ask(
    'POST /auth/token/refresh',
    { 'content-type': 'application/json' },
    JSON.stringify({ refreshToken: tokens.refreshToken }),
  );
  expect(refresh.status).toBe(200);
  expectSilence();
}, 120_000);

test('[K7.1] what directories and other sites send is in no line', async () => {
  const foreign = routes.filter(({ operation }) => operation.protocol || operation.form);
  expect(foreign.length).toBeGreaterThan(10);
  for (const route of foreign) {
    const authorization = `Bearer ${samples['directorySecret']}`;
    const filter = `?filter=${encodeURIComponent(`userName eq "${canary()}"`)}&cursor=${canary()}`;
    const path = fillPath(route, samples);
    const headers = { authorization, 'content-type': contentType(route) };
    for (const target of [path, path + filter])
      await ask(target, route.operation.body ? headers : { authorization }, bodyOf(route));
  }
  expectSilence();
});

test('[K7.1] names of uploaded files and what is in them are in no line', async () => {
  const uploads = routes.filter(({ operation }) => operation.upload);
  expect(uploads.length).toBeGreaterThan(3);
  for (const route of uploads) {
    for (const [ending, type] of [
      ['md', 'text/markdown'],
      ['png', 'image/png'],
      ['zip', 'application/zip'],
      ['pdf', 'application/pdf'],
    ])
      await owner.client.upload(fillPath(route, samples), {
        name: `${canary()}.${ending}`,
        type: `${type}`,
        bytes: `%PDF-1.7 ${canary()}`,
      });
  }
  await waitFor('the files to be read', async () => {
    const { json } = await owner.client.expect(200, `GET /agents/${samples['agentId']}/documents`);
    return json.items.every(({ state }: { state: string }) => state === 'ready' || state === 'failed');
  });
  expectSilence();
});

test('[K7.1] addresses, texts and links of mail are in no line, also when a mail server quotes them', async () => {
  const team = await createTeam(owner, canary());
  const addresses = [`${canary()}@example.com`, `refused-${canary()}@example.com`];
  for (const email of addresses)
    await owner.client.expect(201, 'POST /invitations', { body: { email, role: 'viewer' } });
  await waitFor('the mail to be taken', async () => mail.received.find(({ to }) => to === addresses[0]));
  await waitFor('the refusal', async () => {
    const { json } = await owner.client.expect(200, 'GET /admin/outbox');
    return json.items.some(({ state }: { state: string }) => state === 'failed');
  });
  await owner.client.ask('POST /invitation/open', { body: { token: secret(await createLink(team, 'viewer')) } });
  const email = `${canary()}@example.org`;
  await server.anonymous.expect(201, 'POST /auth/sign-up', {
    body: { name: canary(), email, password: secret(`Aa1! ${canary()}`) },
  });
  await server.anonymous.ask('POST /auth/password-reset', { body: { email } });
  const letter = await waitFor('the link', async () =>
    mail.received.findLast(({ raw, to }) => to === email && /reset/i.test(raw)),
  );
  const text = letter.raw.replaceAll('=\r\n', '').replaceAll('=3D', '=');
  const token = secret(/token=([\w.-]{16,})/.exec(text)?.[1] ?? '');
  await server.anonymous.expect(200, 'POST /auth/password-reset/look', { body: { token } });
  expectSilence();
});

test('[K7.1] endpoints and keys of browsers that get push messages are in no line, also when the service refuses or is gone', async () => {
  const browser = push.subscribe();
  const { body } = browser;
  const gone = { ...body, endpoint: `http://127.0.0.1:9/${canary()}?key=${canary()}` };
  const unknown = { ...body, endpoint: `${push.origin}/push/${canary()}` };
  for (const one of [body, gone, unknown]) {
    secret(one.endpoint);
    const subscribed = await owner.client.expect(201, 'POST /push-subscriptions', { body: one });
    await owner.client.ask(`POST /push-subscriptions/${subscribed.json.id}/test`);
  }
  secret(body.keys.auth);
  secret(body.keys.p256dh);
  await waitFor('the message', async () => browser.received.length > 0);
  expectSilence();
});

test('[K7.1] the log did hear of all this', () => {
  expect(secrets.size).toBeGreaterThan(500);
  const reached = new Set([...log.matchAll(/"route":"([^"]+)"/g)].map((match) => match[1]));
  expect(routes.map(({ id }) => id).filter((id) => !reached.has(id))).toEqual([]);
});
