/** The home page in a real browser: what one should see to, each with the place where that is done, and gone once it is. */
import { asAdmin } from '#testing/as-admin';
import { startModelServer, type ModelServer } from '#testing/model-server';
import { strongPassword, type Tenant } from '#testing/server';
import { addMember, createTeam, type Team } from '#testing/team-fixture';
import { createAgent, createConversation, say, waitForAnswer } from '../src/testing/agents-fixture.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

const model = 'scripted:tokens=40';
let models: ModelServer;
let end: EndToEnd;
let operator: Tenant;
let boss: Tenant;
let team: Team;

beforeAll(async () => {
  models = await startModelServer();
  end = await startEndToEnd({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  operator = await end.server.signUpOwner();
  boss = await end.server.secondTenant();
  team = await createTeam(boss, 'Expedition');
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await models?.close();
});

async function openHome(email: string): Promise<Tab> {
  const tab = await end.openTab();
  await tab.page.goto('/sign-in');
  await tab.page.getByLabel('E-mail or username').fill(email);
  await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await tab.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await tab.page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await expect.poll(() => tab.page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
  return tab;
}

/** Everything that is worth a look, by title, as it stands. */
async function titlesOn({ page }: Tab): Promise<string[]> {
  const links = page.getByRole('region', { name: 'Worth a look' }).getByRole('link');
  return (await links.allInnerTexts()).map((text) => text.split('\n')[0] ?? '');
}

async function reload({ page }: Tab): Promise<void> {
  await page.reload();
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
}

const item = ({ page }: Tab, name: RegExp) =>
  page.getByRole('region', { name: 'Worth a look' }).getByRole('link', { name });

test('[K17.5] a new owner is told of the address, the second step and the missing model; each leads to its page', async () => {
  const tab = await openHome('stranger1@example.org');
  const { page } = tab;
  await expect
    .poll(() => titlesOn(tab))
    .toEqual(['Confirm your e-mail address', 'Protect your account', 'Connect a model']);
  const { violations } = await inspect(tab, 'home-attention');
  expect(violations).toEqual([]);
  expect(await hasSidewaysScroll(page)).toBe(false);
  for (const [name, heading] of [
    [/^Confirm your e-mail/, 'Profile'],
    [/^Protect your account/, 'Security'],
    [/^Connect a model/, 'Models'],
  ] as const) {
    await item(tab, name).click();
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await page.goto('/');
    await item(tab, name).waitFor();
  }
  expect(tab.complaints).toEqual([]);
  await tab.context.close();
});

test('[K17.5] a confirmed address and a connected model are no longer worth a look', async () => {
  const tab = await openHome('stranger1@example.org');
  await asAdmin(end.server.database, (query) =>
    query(`update auth.users set email_verified = true where email = 'stranger1@example.org'`),
  );
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  await team.owner.expect(201, 'POST /model-connections', { body });
  await reload(tab);
  await expect.poll(() => titlesOn(tab)).toEqual(['Protect your account']);
  await tab.context.close();
});

test('[K17.5] [K4.5] a budget that is nearly used is named with how much; used up, it says so and stands first', async () => {
  const tab = await openHome('stranger1@example.org');
  const { items } = (await team.owner.expect(200, 'GET /model-connections')).json as { items: { id: string | null }[] };
  const connectionId = items.find(({ id }) => id !== null)?.id;
  const agent = await createAgent(team.owner, { model: { connectionId, model } });
  const setLimit = (limit: number) =>
    team.owner.expect(200, 'PUT /budgets', { body: { scope: 'organisation', unit: 'tokens', period: 'month', limit } });
  await setLimit(1_000_000);
  const conversation = await createConversation(team.owner, agent.id);
  await waitForAnswer(team.owner, await say(team.owner, conversation.id, 'What is new?'));
  const spent = async () => (await team.owner.expect(200, 'GET /usage')).json.budgets[0].balance.spent as number;
  await expect.poll(spent, { interval: 500 }).toBeGreaterThan(0);
  const used = await spent();
  await setLimit(Math.floor(used / 0.85));
  await reload(tab);
  await expect.poll(async () => (await titlesOn(tab))[0]).toMatch(/^The organisation’s budget this month: 8\d % used$/);
  await setLimit(used);
  await reload(tab);
  await expect.poll(async () => (await titlesOn(tab))[0]).toBe('The organisation’s budget this month is used up');
  await item(tab, /^The organisation’s budget/).click();
  await tab.page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
  await tab.context.close();
});

test('[K17.4] [K17.5] who asks to be let in, and why, stands on the owner’s home page and on nobody else’s', async () => {
  await addMember(end.server, team, 'member');
  await operator.client.expect(201, `POST /admin/organisations/${team.id}/support-access`, {
    body: { reason: 'The guide answers in the wrong language', hours: 4 },
  });
  const tab = await openHome('stranger1@example.org');
  await item(tab, /Ada Lovelace asks to look into this organisation.*wrong language/s).click();
  await tab.page.getByRole('heading', { name: 'Support access', level: 1 }).waitFor();
  await tab.context.close();
  const member = await openHome('stranger2@example.org');
  expect(await titlesOn(member)).not.toContain('Ada Lovelace asks to look into this organisation');
  await member.context.close();
});

test('[K17.5] what cannot be asked just now is left out, and the rest of the page is there', async () => {
  const tab = await openHome('stranger1@example.org');
  await tab.page.route(/\/api\/v1\/(second-factors|usage)/, (route) => route.fulfill({ status: 500, body: '' }));
  await reload(tab);
  await item(tab, /asks to look into/).waitFor();
  expect(await titlesOn(tab)).not.toContain('Protect your account');
  await tab.context.close();
});
