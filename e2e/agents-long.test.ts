/** Chats that have grown, and sessions that ended under them: places are kept, and nothing typed is lost. */
import { strongPassword, type Tenant } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../src/testing/agents-fixture.ts';
import { startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: Tenant;
let tab: Tab;
let agentId: string;
let conversationId: string;

const turns = 30;
const conversations = 40;
const roomyLimits = ['read', 'write', 'conversation', 'chat'].map((name) => `agents.${name}=100000/60`).join(',');

beforeAll(async () => {
  end = await startEndToEnd({ environment: { LIMITS: roomyLimits } });
  owner = await end.server.signUpOwner();
  const { client } = owner;
  agentId = (await client.expect(201, 'POST /agents', { body: { name: 'Archive' } })).json.id;
  for (let index = 0; index < conversations; index += 1) {
    conversationId = (await client.expect(201, 'POST /conversations', { body: { agentId } })).json.id;
  }
  for (let turn = 1; turn <= turns; turn += 1) {
    await client.expect(202, `POST /conversations/${conversationId}/messages`, { body: { text: `Question ${turn}.` } });
    await waitFor('the answer', async () => {
      const { json } = await client.expect(200, `GET /conversations/${conversationId}`);
      return json.activeRunId === null;
    });
  }
  tab = await end.openTab();
  await signIn(`/agents/${agentId}/chat/${conversationId}`);
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function signIn(next: string): Promise<void> {
  const { page } = tab;
  await page.goto(`/sign-in?next=${next}`);
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('textbox', { name: 'Message to Archive' }).waitFor();
}

interface ScrollBox {
  scrollTop: number;
  readonly scrollHeight: number;
  readonly clientHeight: number;
}

const question = (number: number) =>
  tab.page.getByRole('list', { name: 'Messages' }).getByText(`Question ${number}.`, { exact: true });

test('[A6] a long conversation opens at its end and grows upwards without moving what is read', async () => {
  const { page } = tab;
  await question(turns).waitFor();
  const box = page.getByRole('region', { name: 'Conversation' });
  const isAtEnd = ({ scrollHeight, scrollTop, clientHeight }: ScrollBox) => scrollHeight - scrollTop - clientHeight < 2;
  await expect.poll(() => box.evaluate(isAtEnd)).toBe(true);
  const oldestShown = turns - 24; // a page has 50 messages
  await question(oldestShown).waitFor();
  expect(await question(1).count()).toBe(0);
  await box.evaluate((element: ScrollBox) => void (element.scrollTop = 60));
  const anchor = question(oldestShown);
  const before = await anchor.boundingBox();
  await question(1).waitFor();
  expect(Math.abs(((await anchor.boundingBox())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(80);
  await page.getByRole('button', { name: 'Jump to latest' }).click();
  await expect.poll(() => box.evaluate(isAtEnd)).toBe(true);
});

test('[A6] the list of conversations goes on as one scrolls', async () => {
  const rows = tab.page.getByRole('list', { name: 'Conversations' }).getByRole('link');
  await expect.poll(() => rows.count()).toBe(30);
  await rows.last().scrollIntoViewIfNeeded();
  await expect.poll(() => rows.count()).toBe(conversations);
});

test('[K2.4] a session that ended under a typed question asks for the password, then sends it', async () => {
  const { page } = tab;
  await owner.client.expect(200, 'POST /sessions/revoke-others');
  const field = page.getByRole('textbox', { name: 'Message to Archive' });
  await field.fill('Typed before the session ended');
  await field.press('Enter'); // there, although a dialog may have come meanwhile
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.getByLabel(/^Password \*?$/).fill(strongPassword);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'detached' });
  await waitFor('the question to be sent and answered', async () => {
    const { json } = await owner.client.expect(200, `GET /conversations/${conversationId}/messages`);
    const [answer, asked] = json.items.slice(-2).toReversed();
    return asked.text === 'Typed before the session ended' && answer.state === 'complete';
  });
  // The page has heard so, too: the next session is ended under a page at rest.
  const answers = page.getByRole('article');
  await expect.poll(() => answers.last().getByRole('button', { name: 'Regenerate' }).count()).toBe(1);
  await page.getByText('Typed before the session ended', { exact: true }).waitFor();
  await expect.poll(() => field.inputValue()).toBe('');
});

test('[K2.4] who does not sign in again keeps the text', async () => {
  const { page } = tab;
  await owner.client.expect(200, 'POST /sessions/revoke-others');
  const field = page.getByRole('textbox', { name: 'Message to Archive' });
  await field.fill('Not lost');
  await field.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(() => field.inputValue()).toBe('Not lost');
  await signIn(`/agents/${agentId}/chat/${conversationId}`);
  await expect.poll(() => field.inputValue()).toBe('Not lost');
});

test('[K6.3] a conversation that is gone says so and offers a new one', async () => {
  const { page } = tab;
  await owner.client.expect(204, `DELETE /conversations/${conversationId}`);
  await page.reload();
  await page.getByText('There is no such conversation').waitFor();
  // The list offers one, too; the last is the one beside the words.
  await page.getByRole('link', { name: 'New chat' }).last().click();
  await page.getByText('I am Archive.').waitFor();
});
