/** Names longer than a phone is wide: nothing of them is cut off, figures keep their place, and menus begin at their first line. */
import { createAgent, createConversation, say, waitForAnswer } from '#testing/agents-fixture';
import { splitWords, startModelServer, type ModelServer } from '#testing/model-server';
import { strongPassword } from '#testing/server';
import { createTeam } from '#testing/team-fixture';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devices, hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

const longWord = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerk';
const rightToLeft = 'مساعد خدمة العملاء للشركة الكبرى في المدينة القديمة على النهر';
const smallPhone = { width: 360, height: 640 };
const cell = 'longer cell text';
const wideTable = `| ${'a | '.repeat(7)}\n|${'---|'.repeat(7)}\n| ${`${cell} | `.repeat(7)}\n\n- [x] done\n\n| b |\n|---|\n| 1 |`;

let end: EndToEnd;
let models: ModelServer;
let tab: Tab;
let page: Page;
let agentId: string;
let conversationId: string;

beforeAll(async () => {
  models = await startModelServer();
  end = await startEndToEnd({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  const owner = await end.server.signUpOwner();
  const { client } = owner;
  await createTeam(owner, `Stadtwerke ${longWord} mbH`);
  const connection = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  const connectionId: string = (await client.expect(201, 'POST /model-connections', { body: connection })).json.id;
  const question = `Wo ist die ${longWord}skapitänsmütze?`;
  const more = { model: { connectionId, model: 'echo' }, suggestedQuestions: [question] };
  agentId = (await createAgent(client, { name: rightToLeft, ...more })).id;
  conversationId = (await createConversation(client, agentId)).id;
  models.setScript(() => ({ kind: 'answer', deltas: splitWords(wideTable), usage: { input: 1, output: 1 } }));
  await waitForAnswer(client, await say(client, conversationId, 'Tables, please'));
  await client.expect(201, 'POST /sso-connections', {
    body: {
      kind: 'oidc',
      name: longWord,
      issuer: 'https://login.example.com',
      clientId: 'bulkhead',
      defaultRole: 'member',
    },
  });
  tab = await end.openTab();
  page = tab.page;
  await page.setViewportSize(smallPhone);
  await page.goto('/sign-in?next=/settings/data');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await models?.close();
});

/** findCutOff are the texts that reach out of what holds them: past the window's edge, or a card's. */
function findCutOff(within: string): Promise<string[]> {
  return page.locator(within).evaluate((place) => {
    const found: string[] = [];
    for (const element of place.querySelectorAll('*')) {
      const isText = [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim());
      if (!isText || element.closest('[aria-label="Table"], pre')) continue;
      const box = element.closest('.mantine-Card-root, .mantine-Modal-content, button') ?? place;
      const range = document.createRange();
      range.selectNodeContents(element);
      if (range.getBoundingClientRect().right > box.getBoundingClientRect().right)
        found.push(element.textContent ?? '');
    }
    return found;
  });
}

test('[K17.5] a long name wraps in the cards of one’s data, and the name to type before deleting is read whole', async () => {
  await page.getByRole('button', { name: 'Delete the organisation…' }).waitFor();
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
  expect(await findCutOff('main')).toEqual([]);
  await page.getByRole('button', { name: 'Delete the organisation…' }).click();
  await page
    .getByRole('dialog')
    .getByText(/^Type “/)
    .waitFor();
  expect(await findCutOff('[role=dialog]')).toEqual([]);
  expect(await hasSidewaysScroll(page)).toBe(false);
});

test('[K17.5] a long name of a provider wraps in its card', async () => {
  await page.goto('/settings/sign-on');
  await page.getByRole('heading', { name: longWord }).waitFor();
  expect(await findCutOff('main')).toEqual([]);
});

test('[K17.4] [K17.5] the figures of an organisation with a long name stand beside it on a phone', async () => {
  await page.goto('/admin/usage');
  await page.getByRole('columnheader', { name: 'Calls' }).waitFor();
  const right = async (name: string) => {
    const box = await page.getByRole('columnheader', { name }).boundingBox();
    return (box?.x ?? Infinity) + (box?.width ?? 0);
  };
  await page.getByRole('link', { name: longWord }).waitFor();
  for (const name of ['Cost', 'Tokens', 'Calls']) expect(await right(name), name).toBeLessThan(smallPhone.width);
});

test('[A6] [K17.5] a suggested question wraps, and of a name written from right to left the beginning stays', async () => {
  await page.goto(`/agents/${agentId}/chat`);
  await page.getByRole('button', { name: /kapitänsmütze/ }).waitFor();
  expect(await findCutOff('[aria-label="Suggested questions"]')).toEqual([]);
  const heading = page.getByRole('heading', { level: 1 });
  // Cut off it is, and the first letter is still inside.
  const [isCut, firstLetter, place] = await heading.evaluate((element) => {
    const range = document.createRange();
    range.setStart(element.firstChild as Node, 0);
    range.setEnd(element.firstChild as Node, 1);
    const { left, right } = element.getBoundingClientRect();
    return [element.scrollWidth > element.clientWidth, range.getBoundingClientRect().right, { left, right }] as const;
  });
  expect(isCut).toBe(true);
  expect(firstLetter).toBeGreaterThan(place.left);
  expect(firstLetter).toBeLessThanOrEqual(place.right + 1);
});

test('[A6] [K17.5] words in a table of an answer stay whole, and several tables and boxes read cleanly', async () => {
  await page.goto(`/agents/${agentId}/chat/${conversationId}`);
  const first = page.getByRole('cell', { name: cell }).first();
  await first.waitFor();
  const wordBoxes = await first.evaluate((element) => {
    const range = document.createRange();
    range.setStart(element.firstChild as Node, 0);
    range.setEnd(element.firstChild as Node, 'longer'.length);
    return range.getClientRects().length;
  });
  expect(wordBoxes, 'lines the word “longer” takes').toBe(1);
  const { violations } = await inspect(tab, 'tight-tables');
  expect(violations).toEqual([]);
  expect(await hasSidewaysScroll(page)).toBe(false);
});

test('[K17.5] a menu opened by key begins at its first line, and gives the focus back', async () => {
  await page.goto(`/agents/${agentId}`);
  const button = page.getByRole('button', { name: /^More/ }).first();
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem').first().and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Escape');
  await button.and(page.locator(':focus')).waitFor();
});

test('[K17.5] a window that grows from a phone to a desktop has room for the field of a chat in every moment', async () => {
  await page.setViewportSize(smallPhone);
  await page.goto(`/agents/${agentId}/chat/${conversationId}`);
  await page.getByRole('navigation', { name: 'Top bar' }).waitFor();
  const field = page.getByRole('textbox', { name: /^Message to/ });
  await field.focus();
  // At this event the page has its new styles and still its old parts; a field that measures itself then stays like that.
  const widthWhenResized = page.evaluate(`new Promise((resolve) => addEventListener('resize',
    () => resolve(document.activeElement.closest('form').clientWidth), { once: true }))`);
  await page.evaluate('document.readyState'); // the one before has begun to listen
  await page.setViewportSize(devices.desktop);
  expect(await widthWhenResized).toBeGreaterThan(600);
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  await expect.poll(async () => (await field.boundingBox())?.height).toBeLessThan(60);
});

test('[K17.5] what stands in for a chat that did not load keeps its distance from the edges', async () => {
  await page.setViewportSize(smallPhone);
  await page.goto('/settings');
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  await page.route('**/assets/*.js', (route) => route.abort());
  await page.evaluate(
    `history.pushState({}, '', '/agents/${agentId}/chat'); dispatchEvent(new PopStateEvent('popstate'))`,
  );
  const heading = page.getByRole('heading', { name: 'This page did not load' });
  await heading.waitFor();
  expect((await heading.boundingBox())?.x).toBeGreaterThanOrEqual(16);
  await page.unrouteAll();
});
