/** security.txt is valid by RFC 9116 whatever is configured, and the other known addresses lead where they should. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '#kernel/config';
import { startTestServer, type TestServer } from '#testing/server';
import { renderSecurityTxt } from './well-known.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    apps: [],
    environment: { PUBLIC_URL: 'https://bulkhead.example/', SECURITY_CONTACT: 'security+reports@example.com' },
  });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

const get = (path: string): Promise<Response> => {
  const { port } = server.bulkhead.server.fastify.server.address() as { port: number };
  return fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
};
const render = (environment: Record<string, string>, now = Date.now()) =>
  renderSecurityTxt(loadConfig(environment).config, now);

test('[K8.3] security.txt says whom to tell, until when that holds, in which language, and where the policy is', async () => {
  const response = await get('/.well-known/security.txt');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  const fields = (await response.text())
    .trim()
    .split('\n')
    .map((line) => line.split(/: (.*)/s).slice(0, 2));
  expect(fields).toEqual([
    ['Contact', 'mailto:security%2Breports@example.com'],
    ['Expires', expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00Z$/)],
    ['Preferred-Languages', 'en'],
    ['Canonical', 'https://bulkhead.example/.well-known/security.txt'],
    ['Policy', 'https://bulkhead.example/security-policy'],
  ]);
  const days = (Date.parse(fields[1]?.[1] ?? '') - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(170);
  expect(days).toBeLessThan(365);
  const policy = await get('/security-policy');
  expect([policy.status, await policy.text()]).toEqual([200, expect.stringContaining('# Security')]);
  expect((await get('/security.txt')).headers.get('location')).toBe('/.well-known/security.txt');
});

test('[K8.3] the contact is SECURITY_CONTACT, else the sender of our mail; with neither there is no file', () => {
  expect(render({ SECURITY_CONTACT: 'https://example.com/report' })).toMatch(
    /^Contact: https:\/\/example\.com\/report$/m,
  );
  const mail = { MAIL_SMTP_URL: 'smtps://mail.example.com:465' };
  expect(render({ ...mail, MAIL_FROM: 'Bulkhead <bulkhead@example.com>' })).toMatch(
    /^Contact: mailto:bulkhead@example\.com$/m,
  );
  expect(render({ ...mail, MAIL_FROM: 'plain@example.com' })).toMatch(/^Contact: mailto:plain@example\.com$/m);
  expect(render({})).toBeNull();
  expect(render({ SECURITY_CONTACT: 'a@example.com' })).not.toMatch(/Canonical|Policy/);
  expect(() => loadConfig({ SECURITY_CONTACT: 'javascript:alert(1)' })).toThrow(/SECURITY_CONTACT: expected an e-mail/);
  expect(() => loadConfig({ SECURITY_CONTACT: 'a@b\nContact: c' })).toThrow(/SECURITY_CONTACT/);
});

test('[K8.3] the day on which it ends moves on with time', () => {
  const at = (day: string) =>
    /Expires: (\S+)/.exec(render({ SECURITY_CONTACT: 'a@b.example' }, Date.parse(day)) ?? '')?.[1];
  expect(at('2026-01-01T10:00:00Z')).toBe('2026-06-30T00:00:00Z');
  expect(at('2026-01-01T23:59:59Z')).toBe('2026-06-30T00:00:00Z');
  expect(at('2026-01-02T00:00:00Z')).toBe('2026-07-01T00:00:00Z');
});

test('password managers find where to change a password, crawlers that there is nothing for them', async () => {
  const change = await get('/.well-known/change-password');
  expect([change.status, change.headers.get('location')]).toEqual([302, '/settings/profile']);
  const missing = await get('/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200');
  expect(missing.status).toBe(404);
  const robots = await get('/robots.txt');
  expect(await robots.text()).toBe('User-agent: *\nDisallow: /\n');
});
