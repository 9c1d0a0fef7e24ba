/** What a page shows may be older than what is: two tabs do not undo each other's work, and a list says when it is behind. */
import { createClient, type TestClient } from '#testing/client';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let tab: Tab;
let client: TestClient;

beforeAll(async () => {
  end = await startEndToEnd();
  ({ client } = await end.server.signUpOwner());
  tab = await end.openTab();
  const [name = '', value = ''] = client.cookie.split(/=(.*)/s);
  await tab.context.addCookies([{ name, value, url: end.server.url.replace('http:', 'https:'), secure: true }]);
});

afterAll(() => end?.[Symbol.asyncDispose]());

test('[K17.5] a profile saved in an older tab changes what was typed there and nothing else', async () => {
  const { page } = tab;
  await page.goto('/settings/profile');
  await page.getByLabel('Username').fill('countess');
  await client.expect(200, 'PATCH /profile', { body: { name: 'Ada King' } });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Your profile is saved.').waitFor();
  const { json } = await client.expect(200, 'GET /session');
  expect(json.user).toMatchObject({ name: 'Ada King', username: 'countess' });
});

test('[K17.5] a list that cannot be read again says that it may be out of date, and recovers', async () => {
  const { page } = tab;
  const elsewhere = createClient(end.server.url);
  await elsewhere.expect(200, 'POST /auth/sign-in', {
    body: { identifier: 'ada@example.com', password: strongPassword },
  });
  await page.goto('/settings/sessions');
  const rows = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  await expect.poll(() => rows.count()).toBe(2);
  expect(await rows.first().textContent()).toContain('This device');
  const sessions = /\/api\/v1\/sessions(\?|$)/;
  await page.route(sessions, (route) => route.fulfill({ status: 500, body: 'broken' }));
  await page.getByRole('button', { name: /^End session/ }).click();
  await page.getByText('The session has ended.').waitFor();
  await page.getByText('This list may be out of date:').waitFor();
  expect(await rows.count()).toBe(2);
  await page.unroute(sessions);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect.poll(() => rows.count()).toBe(1);
  await page.getByText('This list may be out of date:').waitFor({ state: 'detached' });
  await elsewhere.expect(401, 'GET /session');
});

test('[A1] what is typed while a change of an agent is on its way stays, and is saved by the next press', async () => {
  const { page } = tab;
  const { id } = (await client.expect(201, 'POST /agents', { body: { name: 'Mia' } })).json;
  await page.goto(`/agents/${id}`);
  const held = Promise.withResolvers<void>();
  await page.route(`**/api/v1/agents/${id}`, async (route) => {
    if (route.request().method() === 'PATCH') await held.promise;
    await route.continue();
  });
  await page.getByLabel(/^Description/).fill('Knows the parcels');
  const sent = page.waitForRequest((request) => request.method() === 'PATCH');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await sent;
  await page.getByLabel(/^Greeting/).fill('Good day');
  await page.locator('button[type=submit][data-loading]').waitFor();
  held.resolve();
  await page.locator('button[type=submit]:not([data-loading])').waitFor();
  expect(await page.getByLabel(/^Greeting/).inputValue()).toBe('Good day');
  await page.getByRole('status').getByText('Not saved yet').waitFor();
  const read = async () => (await client.expect(200, `GET /agents/${id}`)).json;
  expect(await read()).toMatchObject({ description: 'Knows the parcels', greeting: '' });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
  expect(await read()).toMatchObject({ description: 'Knows the parcels', greeting: 'Good day' });
});
