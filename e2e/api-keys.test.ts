/** API keys and the directory in a real browser: make, use, rename, revoke; devices among the sessions. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '#testing/client';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let tab: Tab;
let secret = '';

beforeAll(async () => {
  end = await startEndToEnd();
  const { client } = await end.server.signUpOwner();
  const team = await client.expect(201, 'POST /organisations', { body: { name: 'Analysts' } });
  await client.expect(200, `POST /organisations/${team.json.id}/switch`);
  tab = await end.openTab();
  const { page } = tab;
  await page.goto('/sign-in?next=/settings/api-keys');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
});

afterAll(() => end?.[Symbol.asyncDispose]());

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

/** startApp listens as a desktop program does; `called` is what the browser brought. */
async function startApp(): Promise<{ url: string; called: Promise<URLSearchParams> } & AsyncDisposable> {
  const { promise: called, resolve } = Promise.withResolvers<URLSearchParams>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (pathname === '/signed-in') resolve(searchParams);
    response.end('Thank you.');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/signed-in`,
    called,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const use = async (key: string) => {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await createClient(end.server.url).ask('GET /session', { headers });
  return [answer.status, answer.json.code ?? answer.json.permissions];
};

test('[K2.7] the empty page teaches, and a key is made, shown once and works', async () => {
  const { page } = tab;
  await page.getByText('No keys yet').waitFor();
  await page.getByText(/curl -H "Authorization: Bearer \$BULKHEAD_KEY"/).waitFor();
  await expectClean('api-keys-empty');
  await page.getByRole('button', { name: 'Make a key' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Make an API key' });
  await dialog.getByLabel(/^Name/).fill('Nightly import');
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  await dialog.getByText('Choose at least one.').waitFor();
  await dialog.getByLabel('See model connections and which models they offer').check();
  await dialog.getByLabel('Only from these networks').fill('127.0.0.0/8\nhome');
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  await dialog.getByText('Give an address or a network').waitFor();
  await expectClean('api-keys-form');
  await dialog.getByLabel('Only from these networks').fill('127.0.0.0/8');
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  secret = (await dialog.getByLabel('The key', { exact: true }).textContent()) ?? '';
  // A stray key must not take away what cannot be shown again.
  expect(await dialog.getByRole('button', { name: 'Close' }).count()).toBe(0);
  await page.keyboard.press('Escape');
  await dialog.getByText('Copy the key now').waitFor();
  expect(secret).toMatch(/^bhk_/);
  await expectClean('api-keys-shown-once');
  expect(await use(secret)).toEqual([200, ['models.connection.read']]);
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Nightly import').waitFor();
  expect(await page.content()).not.toContain(secret);
  await page.reload();
  await page.getByText('used just now').waitFor();
  await expectClean('api-keys-list');
});

test('[K2.7] a key is renamed, and revoking it asks first and ends it at once', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'More for Nightly import' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  const renaming = page.getByRole('dialog', { name: 'Rename Nightly import' });
  await renaming.getByLabel(/^Name/).fill('Weekly import');
  await renaming.getByRole('button', { name: 'Rename' }).click();
  await page.getByText('Weekly import').waitFor();
  await page.getByText('Everybody’s keys').click();
  await page.getByRole('button', { name: 'More for Weekly import' }).click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke Weekly import?' });
  await dialog.waitFor();
  await expectClean('api-keys-revoke');
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked').waitFor();
  expect(await use(secret)).toEqual([401, 'API_KEY_REVOKED']);
});

test('[K2.6] a phone that signed in by token stands among the sessions and is ended there', async () => {
  const { page } = tab;
  const headers = { 'content-type': 'application/json' };
  const body = { identifier: 'ada@example.com', password: strongPassword, deviceName: 'Ada’s phone' };
  const response = await fetch(`${end.server.url}/api/v1/auth/token`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const { accessToken } = (await response.json()) as { accessToken: string };
  expect((await use(accessToken))[0]).toBe(200);
  await page.goto('/settings/sessions');
  await page.getByText('App or program').waitFor();
  await expectClean('sessions-with-device');
  await page.getByRole('button', { name: 'End session Ada’s phone' }).click();
  await page.getByText('App or program').waitFor({ state: 'detached' });
  expect((await use(accessToken))[0]).toBe(401);
});

test('[K2.6] an app signs in through the browser: its person sees what it asks, consents, and it exchanges the code', async () => {
  const { page } = tab;
  await page.goto('/connect-device');
  await page.getByText('An app should have sent you here').waitFor();
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  await using app = await startApp();
  const query = new URLSearchParams({
    code_challenge: challenge,
    code_challenge_method: 'S256',
    redirect_uri: app.url,
    device_name: 'Desktop app',
    state: 'mine',
  });
  await page.goto(`/connect-device?${query.toString()}`);
  await page.getByRole('heading', { name: 'Let Desktop app sign in?' }).waitFor();
  await expectClean('connect-device');
  await page.getByRole('button', { name: 'Let it sign in' }).click();
  const called = await app.called;
  expect(called.get('state')).toBe('mine');
  const body = { code: called.get('code'), codeVerifier: verifier, redirectUri: app.url };
  const response = await fetch(`${end.server.url}/api/v1/auth/token/exchange`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  const { accessToken } = (await response.json()) as { accessToken: string };
  expect((await use(accessToken))[0]).toBe(200);
});

test('[K2.5] [K17.5] a personal organisation offers no directory that it would refuse, but a team to connect one to', async () => {
  await end.server.secondTenant();
  const alone = await end.openTab();
  const { page } = alone;
  await page.goto('/sign-in?next=/settings/directory');
  await page.getByLabel('E-mail or username').fill('stranger1@example.org');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'No directory can be connected here' }).waitFor();
  expect(await page.getByRole('button', { name: 'Connect a directory' }).count()).toBe(0);
  const { violations } = await inspect(alone, 'directory-personal');
  expect(violations).toEqual([]);
  await page.getByRole('button', { name: 'Create a team organisation' }).click();
  await page.getByRole('dialog', { name: 'Create an organisation' }).waitFor();
  await alone.context.close();
});

test('[K2.5] a directory is connected with a token, its groups are given roles', async () => {
  const { page } = tab;
  // The app that was just let in is not there to take the browser back: that navigation may still be ending.
  await expect
    .poll(() =>
      page
        .goto('/settings/directory')
        .then(() => true)
        .catch(() => false),
    )
    .toBe(true);
  await page.getByText('No directory is connected').waitFor();
  await expectClean('directory-empty');
  await page.getByRole('button', { name: 'Connect a directory' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Connect a directory' });
  await dialog.getByLabel(/^Name/).fill('Entra ID');
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  const token = (await dialog.getByLabel('The token', { exact: true }).textContent()) ?? '';
  await expectClean('directory-token');
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  const headers = { authorization: `Bearer ${token}` };
  await createClient(end.server.url).expect(201, 'POST /scim/v2/Groups', {
    headers,
    body: { displayName: 'Engineers' },
  });
  await page.reload();
  await page.getByRole('combobox', { name: 'Role of Engineers' }).click();
  await page.getByRole('option', { name: 'Viewers' }).click();
  await expect.poll(() => page.getByRole('combobox', { name: 'Role of Engineers' }).inputValue()).toBe('Viewers');
  await expectClean('directory-list');
});
