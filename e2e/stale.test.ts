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
}, 120_000);

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
