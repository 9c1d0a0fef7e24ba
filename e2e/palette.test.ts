/** The command palette in a real browser: by keyboard alone, on a phone, and never more than one may see. */
import { createAgent, createConversation, say, waitForAnswer } from '#testing/agents-fixture';
import type { TestClient } from '#testing/client';
import { addMember, createTeam } from '#testing/team-fixture';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: TestClient;
let tab: Tab;

beforeAll(async () => {
  end = await startEndToEnd();
  const tenant = await end.server.signUpOwner();
  owner = tenant.client;
  const team = await createTeam(tenant, 'Crew');
  const agent = await createAgent(owner, { name: 'Mia the helper', description: 'Knows the parcels' });
  const conversation = await createConversation(owner, agent.id);
  await waitForAnswer(owner, await say(owner, conversation.id, 'Where is my lighthouse lamp?'));
  const viewer = await addMember(end.server, team, 'viewer');
  await viewer.client.expect(200, 'GET /session');
  viewerClient = viewer.client;
  tab = await openAs(owner);
});

let viewerClient: TestClient;

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function openAs(client: TestClient, device: 'phone' | 'desktop' = 'desktop'): Promise<Tab> {
  const opened = await end.openTab({ device });
  await opened.context.setExtraHTTPHeaders({ cookie: client.cookie });
  await opened.page.goto('/');
  await opened.page.getByRole('heading', { name: /^Hello/ }).waitFor();
  return opened;
}

const field = ({ page }: Tab) => page.getByRole('combobox', { name: 'Search and commands' });
const options = ({ page }: Tab) => page.getByRole('listbox', { name: 'Results' }).getByRole('option');
const option = ({ page }: Tab, name: string | RegExp) =>
  page.getByRole('listbox', { name: 'Results' }).getByRole('option', { name });

/** close ends a test with the palette gone: the next one opens it. */
async function close(): Promise<void> {
  await tab.page.keyboard.press('Escape');
  await field(tab).waitFor({ state: 'detached' });
}

async function expectClean(of: Tab, name: string): Promise<void> {
  const { violations } = await inspect(of, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(of.page), `${name} scrolls sideways`).toBe(false);
  expect(of.complaints, name).toEqual([]);
}

test('[K17.5] the palette is not part of the first load, opens by Ctrl+K and gives the focus back', async () => {
  const { page } = tab;
  const loaded = () =>
    page.evaluate(`performance.getEntriesByType('resource').some(({ name }) => /\\/palette-[^/]+\\.js/.test(name))`);
  const button = page.getByRole('navigation', { name: 'Main' }).getByRole('button', { name: 'Search' });
  expect(await loaded()).toBe(false);
  await page.keyboard.press('Control+k');
  await field(tab).waitFor();
  expect(await loaded()).toBe(true);
  await page.keyboard.press('Escape');
  await field(tab).waitFor({ state: 'detached' });
  await button.focus();
  await page.keyboard.press('Enter');
  await field(tab).waitFor();
  await page.keyboard.press('Control+k');
  await field(tab).waitFor({ state: 'detached' });
  await expect.poll(() => button.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
});

test('[K17.5] before anything is typed it offers actions, conversations and every page; it is clean', async () => {
  const { page } = tab;
  await page.keyboard.press('Control+k');
  await option(tab, /^Where is my lighthouse lamp/).waitFor();
  await option(tab, 'New conversation with Mia the helper').waitFor();
  await option(tab, /^Work in/).waitFor();
  for (const name of ['New agent', 'Invite people', 'Sign out', /^Members/, /^Audit trail/, /^Outbox/]) {
    await option(tab, name).waitFor();
  }
  await expectClean(tab, 'palette');
  await close();
});

test('[K17.5] a few letters and Enter go to a page; the arrow keys say which option they have reached', async () => {
  const { page } = tab;
  await page.keyboard.press('Control+k');
  await field(tab).fill('notif');
  const first = option(tab, /^Notifications/);
  const second = option(tab, /^Notification settings/);
  await expect.poll(() => first.getAttribute('aria-selected')).toBe('true');
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => second.getAttribute('aria-selected')).toBe('true');
  expect(await field(tab).getAttribute('aria-activedescendant')).toBe(await second.getAttribute('id'));
  await page.keyboard.press('Enter');
  await page.locator('h1:focus', { hasText: 'Notification settings' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/settings/notifications');
  await page.keyboard.press('Control+k');
  await expect.poll(() => options(tab).first().textContent()).toContain('Notification settings'); // recent
  await close();
});

test('[K17.5] it finds conversations by their words, agents and members by name', async () => {
  const { page } = tab;
  await page.keyboard.press('Control+k');
  await field(tab).fill('lighthouse');
  await option(tab, /^Where is my lighthouse lamp/).waitFor();
  await field(tab).fill('stranger1@');
  await option(tab, /^Stranger 1/).waitFor();
  await expectClean(tab, 'palette-found');
  await field(tab).fill('zzz nothing has this');
  await page.getByText('Nothing found for “zzz nothing has this”').waitFor();
  await expectClean(tab, 'palette-nothing');
  await field(tab).fill('new conversation mia');
  await expect
    .poll(() => option(tab, /^New conversation with Mia the helper/).getAttribute('aria-selected'))
    .toBe('true');
  await field(tab).press('Enter');
  await page.getByRole('textbox', { name: /^Message to Mia/ }).waitFor();
});

test('[K17.5] a search that was typed over does not come back late', async () => {
  const { page } = tab;
  await page.goto('/');
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/api/v1/conversations?*search=lighthouse*', async (route) => {
    await held;
    await route.continue().catch(() => undefined); // given up by the page meanwhile
  });
  await page.keyboard.press('Control+k');
  const asked = page.waitForRequest(/search=lighthouse/);
  const given = page.waitForEvent('requestfailed', (request) => request.url().includes('search=lighthouse'));
  await field(tab).fill('lighthouse');
  await asked;
  await field(tab).fill('mia');
  await given;
  release();
  await option(tab, /^New conversation with Mia/).waitFor();
  expect(await option(tab, /lighthouse lamp/).count()).toBe(0);
  await close();
  await page.unroute('**/api/v1/conversations?*search=lighthouse*');
});

test('[K17.5] actions act: dark and light, inviting, another organisation', async () => {
  const { page } = tab;
  const run = async (words: string, name: string | RegExp) => {
    await page.keyboard.press('Control+k');
    await field(tab).fill(words);
    await option(tab, name).waitFor();
    await option(tab, name).click();
    await field(tab).waitFor({ state: 'detached' });
  };
  await run('dark', 'Dark appearance');
  await page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
  await run('appearance system', /^Appearance as the system/);
  await run('invite', 'Invite people');
  await page.getByRole('dialog', { name: /invite/i }).waitFor();
  await page.keyboard.press('Control+k'); // a dialog that asks something is answered first
  expect(await field(tab).count()).toBe(0);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await run('work in', /^Work in/);
  await page.getByRole('button', { name: 'Organisation: Ada Lovelace Personal' }).waitFor();
  expect(tab.complaints).toEqual([]);
});

test('[K17.5] on a phone a button opens it over the whole screen; who may not see a page does not find it', async () => {
  const phone = await openAs(viewerClient, 'phone');
  const { page } = phone;
  await page.getByRole('navigation', { name: 'Top bar' }).getByRole('button', { name: 'Search and commands' }).click();
  await option(phone, /^Profile/).waitFor();
  await expectClean(phone, 'palette-phone');
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of [/^Outbox/, /^New agent/, /^New conversation with/, /^Invite people/, /^Audit trail/]) {
    expect(await option(phone, name).count(), String(name)).toBe(0);
  }
  await page.getByRole('button', { name: 'Close' }).click();
  await field(phone).waitFor({ state: 'detached' });
  await phone.context.close();
});
