/** Model connections in a real browser, against a scripted model endpoint: add, test, mend, delete. */
import { startModelServer, type ModelServer } from '#testing/model-server';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

const key = 'sk-e2e-0123456789abcdef';
let end: EndToEnd;
let model: ModelServer;
let tab: Tab;

beforeAll(async () => {
  model = await startModelServer({ apiKey: key });
  end = await startEndToEnd({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  await end.server.signUpOwner();
  tab = await end.openTab();
  const { page } = tab;
  await page.goto('/sign-in?next=/settings/models');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Models' }).waitFor();
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await model?.close();
});

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

test('[K11.1] [K6.2] a wrong key is told before anything is saved, a right one works and is kept', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'Add a connection' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a model connection' });
  await dialog.getByRole('combobox', { name: 'Provider' }).click();
  await page.getByRole('option', { name: 'Other (OpenAI-compatible)' }).click();
  await dialog.getByLabel(/^Name/).fill('Scripted');
  await dialog.getByLabel(/^Address/).fill(`${model.url}/v1`);
  await dialog.getByLabel(/^Key/).fill('sk-wrong-0123456789');
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText('refuses the key').waitFor();
  await expectClean('models-wrong-key');
  await dialog.getByLabel(/^Key/).fill(key);
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText(/^Works: .+ answered in/).waitFor();
  await expectClean('models-form');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Key •••• cdef').waitFor();
  await page.getByRole('button', { name: 'Test Scripted' }).click();
  await page.getByText(/^Works: .+ answered in/).waitFor();
  await expectClean('models-list');
});

test('[K9.1] editing never shows the key, and an empty field keeps it', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'More for Scripted' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit Scripted' });
  expect(await dialog.getByLabel(/^Key/).inputValue()).toBe('');
  expect(await page.content()).not.toContain(key);
  await dialog.getByLabel(/^Name/).fill('Renamed');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Test Renamed' }).click();
  await page.getByText(/^Works: /).waitFor();
});

test('[K11.1] a taken name is refused at its field, with the form kept open', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'Add a connection' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a model connection' });
  await dialog.getByLabel(/^Name/).fill('Renamed');
  await dialog.getByLabel(/^Key/).fill(key);
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByText('already in use').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
});

test('[K11.1] deleting asks first and says what is lost', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'More for Renamed' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete Renamed?' });
  await dialog.waitFor();
  await expectClean('models-delete');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Test Renamed' }).waitFor({ state: 'detached' });
  await page.getByText('Offline').waitFor();
});
