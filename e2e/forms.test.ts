/** A form marks what may stay empty, not what must be filled: no stars, and a word that is read out, too. */
import { strongPassword } from '#testing/server';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let tab: Tab;
let page: Page;

beforeAll(async () => {
  end = await startEndToEnd();
  await end.server.signUpOwner();
  tab = await end.openTab();
  page = tab.page;
  await page.goto('/sign-in');
  await page.getByLabel('E-mail or username').waitFor();
});
afterAll(() => end?.[Symbol.asyncDispose]());

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, `forms-${name}`);
  expect(violations, name).toEqual([]);
  expect(tab.complaints, name).toEqual([]);
}

/** namesOf are the fields of the form as screen readers say them, each with whether it must be filled. */
async function namesOf(): Promise<(readonly [name: string, isRequired: boolean])[]> {
  const fields = await page.locator('main form').getByRole('textbox').all();
  return Promise.all(
    fields.map(async (field) => {
      const snapshot = await field.ariaSnapshot();
      const name = /^- textbox "([^"]*)"/.exec(snapshot)?.[1] ?? snapshot;
      return [name, await field.evaluate((element) => element.matches(':required'))] as const;
    }),
  );
}

async function countStars(): Promise<number> {
  return page.locator('main form').getByText('*').filter({ visible: true }).count();
}

test('[K2.1] where all fields must be filled none is marked', async () => {
  expect(await countStars()).toBe(0);
  expect(await page.getByText('(optional)').count()).toBe(0);
  expect(await namesOf()).toEqual([
    ['E-mail or username', true],
    ['Password', true],
  ]);
  await expectClean('sign-in');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
});

test('[A1] what may stay empty says so, also to who cannot see it', async () => {
  await page.goto('/agents/new');
  await page.getByLabel(/^Name/).waitFor();
  expect(await countStars()).toBe(0);
  const names = await namesOf();
  expect(names).toContainEqual(['Name', true]);
  expect(names).toContainEqual(['Description (optional)', false]);
  expect(names).toContainEqual(['Instructions (optional)', false]);
  // The lines of a list have no label of their own.
  const labelled = names.filter(([name]) => !name.startsWith('Question '));
  for (const [name, isRequired] of labelled) expect(name.endsWith('(optional)'), name).toBe(!isRequired);
  await expectClean('agent');
});

test('[K2.1] what one changes of oneself is marked in the same way', async () => {
  await page.goto('/settings/profile');
  await page.getByLabel('Username').waitFor();
  expect(await namesOf()).toEqual(
    expect.arrayContaining([
      ['Name', true],
      ['Username (optional)', false],
    ]),
  );
  await expectClean('profile');
});
