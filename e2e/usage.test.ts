/** The usage page in a real browser: what was used, what is left, and budgets that are set, warned about and removed. */
import { createAgent, createConversation, say, waitForAnswer } from '#testing/agents-fixture';
import type { TestClient } from '#testing/client';
import { startModelServer, type ModelServer } from '#testing/model-server';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

const model = 'scripted:tokens=40,cached=1';
let end: EndToEnd;
let models: ModelServer;
let tab: Tab;
let owner: TestClient;

beforeAll(async () => {
  models = await startModelServer();
  end = await startEndToEnd({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  const { client } = await end.server.signUpOwner();
  tab = await end.openTab();
  const { page } = tab;
  await page.goto('/sign-in?next=/settings/usage');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
  owner = client;
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await models?.close();
});

/** Two agents answer a question each with a priced model. */
async function useSome(client: TestClient): Promise<void> {
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  const connectionId = (await client.expect(201, 'POST /model-connections', { body })).json.id;
  await client.expect(200, 'PUT /model-prices', {
    body: {
      connectionId,
      model,
      inputMicrosPerMillionTokens: 3_000_000,
      cachedInputMicrosPerMillionTokens: 300_000,
      outputMicrosPerMillionTokens: 150_000_000,
    },
  });
  for (const name of ['Help desk', 'Research']) {
    const agent = await createAgent(client, { name, model: { connectionId, model } });
    const conversation = await createConversation(client, agent.id);
    await waitForAnswer(client, await say(client, conversation.id, 'What is new?'));
  }
  const calls = async () => (await client.expect(200, 'GET /model-calls')).json.items.length as number;
  await vi.waitUntil(async () => (await calls()) === 2, { timeout: 30_000 });
}

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

test('[A11] before anything was used the page says what will stand there', async () => {
  await tab.page.getByRole('heading', { name: 'Nothing used in this time' }).waitFor();
  await tab.page.getByRole('heading', { name: 'No budgets' }).waitFor();
  await expectClean('usage-empty');
  await useSome(owner);
});

test('[A11] [K4.5] use is drawn by day and listed by model, agent and person, under the strict policy', async () => {
  const { page } = tab;
  await page.reload();
  await page.getByRole('img', { name: /^Cost by day/ }).waitFor();
  await page.getByRole('cell', { name: model }).waitFor();
  await page.getByRole('tab', { name: 'Agent' }).click();
  await page.getByRole('cell', { name: 'Research' }).waitFor();
  await page.getByRole('tab', { name: 'Person' }).click();
  await page.getByRole('cell', { name: 'Ada Lovelace' }).waitFor();
  await expectClean('usage');
  await page.getByRole('radiogroup', { name: 'What the chart shows' }).getByText('Tokens').click();
  await page.getByRole('img', { name: /^Tokens by day.*; most on / }).waitFor();
});

test('[A11] [K17.5] what the chart draws is also a table, by day and series', async () => {
  const { page } = tab;
  await page.getByText('As a table').click();
  const table = page.getByRole('region', { name: 'Tokens by day' });
  await table.getByRole('columnheader', { name: 'Read from cache' }).waitFor();
  expect(await table.getByRole('row').count()).toBe(31);
  await expectClean('usage-as-table');
  await page.getByText('As a table').click();
  await table.waitFor({ state: 'detached' });
});

test('[A11] what is listed can be taken away as CSV', async () => {
  const { page } = tab;
  await page.getByRole('tab', { name: 'Model' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^usage-by-model-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
  expect(tab.complaints).toEqual([]);
});

test('[K11.4] a price is stated as the provider’s list says it', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'State a price' }).click();
  const dialog = page.getByRole('dialog', { name: 'State a price' });
  await dialog.getByRole('combobox', { name: 'Connection' }).click();
  await page.getByRole('option', { name: 'Scripted' }).click();
  await dialog.getByRole('combobox', { name: 'Model' }).fill('echo');
  await dialog.getByLabel(/^Read, per million tokens/).fill('2.5');
  await dialog.getByLabel(/^Written, per million tokens/).fill('10');
  await expectClean('usage-price-form');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('$2.50 read, $10.00 written, per million').waitFor();
});

test('[K4.5] a budget is set, warns when nearly used, is raised and removed', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'Set a budget' }).click();
  const dialog = page.getByRole('dialog', { name: 'Set a budget' });
  await dialog.getByLabel(/^Limit in USD/).fill('0.014');
  await expectClean('usage-budget-form');
  await dialog.getByRole('button', { name: 'Set budget' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText(/The organisation’s budget this month: 8\d % used/).waitFor();
  await page.getByRole('heading', { name: 'Usage', level: 1 }).scrollIntoViewIfNeeded();
  await expectClean('usage-budget');
  await page.getByRole('button', { name: 'More for the budget of The whole organisation' }).click();
  await page.getByRole('menuitem', { name: 'Change' }).click();
  const change = page.getByRole('dialog', { name: 'Change the budget' });
  await change.getByLabel(/^Limit in USD/).fill('10');
  await change.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/The organisation’s budget this month: 8\d % used/).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'More for the budget of The whole organisation' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  const removal = page.getByRole('dialog', { name: /^Remove the budget/ });
  await removal.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('heading', { name: 'No budgets' }).waitFor();
  expect(tab.complaints).toEqual([]);
});
