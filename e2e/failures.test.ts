/** No blank screens: the network away, the server starting, a page one may not open, a part of the app that does not come. */
import { addMember, createTeam } from '#testing/team-fixture';
import type { TestClient } from '#testing/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: TestClient;
let viewer: TestClient;

beforeAll(async () => {
  end = await startEndToEnd();
  const tenant = await end.server.signUpOwner();
  owner = tenant.client;
  const team = await createTeam(tenant, 'Crew');
  viewer = (await addMember(end.server, team, 'viewer')).client;
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function openAs(client: TestClient, path: string): Promise<Tab> {
  const opened = await end.openTab();
  await opened.context.setExtraHTTPHeaders({ cookie: client.cookie });
  await opened.page.goto(path);
  return opened;
}

async function expectClean(tab: Tab, name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

test('[K17.5] [K6.3] with the network away the page stays, a banner says so, and what failed heals by itself', async () => {
  const tab = await openAs(owner, '/');
  const { page, context } = tab;
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await page.goto('/settings/sessions');
  await page.getByText('This device').waitFor();
  await context.setOffline(true);
  await page.getByText(/^You are offline/).waitFor();
  await expectClean(tab, 'failure-offline');
  await page.getByRole('link', { name: 'Notifications' }).first().click();
  await page
    .getByText(/could not be|did not load|cannot be reached/i)
    .first()
    .waitFor();
  await context.setOffline(false);
  await page.getByText(/^You are offline/).waitFor({ state: 'detached' });
  await context.close();
});

test('[K17.5] [K6.3] a list that failed while the server was starting is read again without a click', async () => {
  const tab = await openAs(owner, '/');
  const { page } = tab;
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await page.route('**/api/v1/**', (route) => route.fulfill({ status: 503, body: 'starting' }));
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('link', { name: /^Sessions/ }).click();
  await page.getByText(/^The server is starting or very busy/).waitFor();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await expectClean(tab, 'failure-starting');
  await page.unroute('**/api/v1/**');
  // Unless the page has tried by itself before the press: then the button is gone.
  const press = page.getByRole('button', { name: 'Try now' }).click({ timeout: 5_000 });
  await press.catch(() => undefined);
  await page.getByText('This device').waitFor();
  await page.getByText(/^The server is starting or very busy/).waitFor({ state: 'detached' });
  await tab.context.close();
});

test('[K17.5] [K6.3] an app opened while the server is starting waits and opens by itself', async () => {
  const tab = await end.openTab();
  const { page } = tab;
  await tab.context.setExtraHTTPHeaders({ cookie: owner.cookie });
  await page.route('**/api/v1/**', (route) => route.fulfill({ status: 503, body: 'starting' }));
  await page.goto('/settings/profile');
  await page.getByRole('heading', { name: 'The server is starting' }).waitFor();
  await expectClean(tab, 'failure-first-load');
  await page.unroute('**/api/v1/**');
  await page.getByRole('heading', { name: 'Profile' }).waitFor();
  await tab.context.close();
});

test('[K17.5] a page that one’s role does not include says whom to ask', async () => {
  const tab = await openAs(viewer, '/settings/audit');
  const { page } = tab;
  await page.getByRole('heading', { name: 'You may not open this page' }).waitFor();
  await page.getByText(/An owner or an admin/).waitFor();
  await expectClean(tab, 'failure-forbidden');
  await page.goto('/admin/outbox');
  await page.getByRole('heading', { name: 'You may not open this page' }).waitFor();
  await page.getByRole('button', { name: 'Go home' }).click();
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await tab.context.close();
});

test('[K17.5] [K6.3] a part of the app that does not come is told from a crash, and loads anew once it can', async () => {
  const tab = await openAs(owner, '/');
  const { page } = tab;
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await page.route('**/assets/sessions-page-*.js', (route) => route.abort());
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('link', { name: /^Sessions/ }).click();
  await page.getByRole('heading', { name: 'Load the app anew' }).waitFor();
  await expectClean(tab, 'failure-not-loaded');
  await page.unroute('**/assets/sessions-page-*.js');
  await page.getByRole('button', { name: 'Load anew' }).click();
  await page.getByText('This device').waitFor();
  await tab.context.close();
});

test('[K17.5] settings are grouped by whose they are; the page of settings says what each is for', async () => {
  const tab = await openAs(owner, '/settings');
  const { page } = tab;
  const bar = page.getByRole('navigation', { name: 'Main' });
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  await expectClean(tab, 'settings');
  const mine = page.getByRole('region', { name: 'You', exact: true });
  const shared = page.getByRole('region', { name: 'This organisation' });
  await mine.getByRole('link', { name: /^Profile/ }).waitFor();
  await shared.getByRole('link', { name: /^Members/ }).waitFor();
  await shared.getByRole('link', { name: /^Audit trail/ }).click();
  await page.getByRole('heading', { name: 'Audit trail', level: 1 }).waitFor();
  // One group is open, and everything fits without scrolling.
  await bar.getByRole('link', { name: 'Members' }).waitFor();
  await bar.getByRole('link', { name: 'Profile' }).waitFor({ state: 'detached' });
  const overflow = await bar.evaluate((element) =>
    [...element.querySelectorAll('*')].some(
      ({ scrollHeight, clientHeight }) => clientHeight > 200 && scrollHeight > clientHeight + 1,
    ),
  );
  expect(overflow).toBe(false);
  await bar.getByRole('link', { name: 'You', exact: true }).click();
  await page.getByRole('heading', { name: 'Profile', level: 1 }).waitFor();
  await tab.context.close();
});
