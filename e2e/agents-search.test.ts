/** The list of agents is searched as one types: the rows before stay until the new ones are there, and nothing found is said. */
import { strongPassword, type Tenant } from '#testing/server';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: Tenant;
let tab: Tab;
let page: Page;

beforeAll(async () => {
  end = await startEndToEnd({ environment: { LIMITS: 'agents.write=1000/60' } });
  owner = await end.server.signUpOwner();
  tab = await end.openTab();
  page = tab.page;
  await page.goto('/sign-in?next=/agents');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Your first agent' }).waitFor();
});
afterAll(() => end?.[Symbol.asyncDispose]());

const field = () => page.getByRole('textbox', { name: 'Search the agents' });
const list = () => page.getByRole('list', { name: 'Agents' });
const rows = () => list().getByRole('listitem');

async function expectClean(name: string): Promise<void> {
  await page.mouse.move(0, 0);
  const { violations } = await inspect(tab, `agents-search-${name}`);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

test('[A1] without an agent there is no search, only the first step', async () => {
  expect(await field().count()).toBe(0);
  for (const [name, description] of [
    ['Returns', 'Answers questions about parcels that come back'],
    ['Parcel tracker', 'Knows where everything is'],
    ['Menu', 'Says what the kitchen cooks today'],
  ])
    await owner.client.expect(201, 'POST /agents', { body: { name, description } });
  await page.reload();
  await rows().nth(2).waitFor();
  await expectClean('all');
});

test('[A1] typing finds agents by name and description; the rows before stay, dimmed, until the answer is there', async () => {
  const gate = Promise.withResolvers<void>();
  await page.route('**/api/v1/agents?search=*', async (route) => {
    await gate.promise;
    await route.continue();
  });
  await field().fill('PARCEL');
  await page.locator('ul[aria-label="Agents"][aria-busy="true"]').waitFor();
  expect(await rows().count()).toBe(3);
  await expect.poll(() => list().evaluate((element) => Number(getComputedStyle(element).opacity))).toBeLessThan(1);
  gate.resolve();
  await expect.poll(() => rows().count()).toBe(2);
  expect(await list().getAttribute('aria-busy')).toBeNull();
  expect(await rows().allInnerTexts()).toEqual([
    expect.stringContaining('Parcel tracker') as string,
    expect.stringContaining('Returns') as string,
  ]);
  await page.unroute('**/api/v1/agents?search=*');
  await expectClean('found');
});

test('[A1] nothing found says for what, and one press shows all again with the cursor in the field', async () => {
  await field().fill('no such agent');
  await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
  await page.getByText('No agent has “no such agent” in its name or description.').waitFor();
  await page.getByRole('link', { name: 'New agent' }).waitFor();
  await expectClean('nothing');
  await page.getByRole('button', { name: 'Show all agents' }).click();
  await expect.poll(() => rows().count()).toBe(3);
  expect(await field().evaluate((element) => element === document.activeElement)).toBe(true);
  expect(await field().inputValue()).toBe('');
  await field().fill('menu');
  await expect.poll(() => rows().count()).toBe(1);
  await page.getByRole('button', { name: 'Clear the search' }).click();
  await expect.poll(() => rows().count()).toBe(3);
  expect(await field().evaluate((element) => element === document.activeElement)).toBe(true);
});
