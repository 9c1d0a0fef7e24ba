/** A session that ends under a page: in whatever order its calls are refused, nothing typed is lost, asked twice or sent twice. */
import { strongPassword, type Tenant } from '#testing/server';
import type { Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: Tenant;
let agentId: string;
let conversationId: string;
let tab: Tab;

beforeAll(async () => {
  end = await startEndToEnd({ environment: { LIMITS: 'agents.read=100000/60,auth.sign-in=1000/60' } });
  owner = await end.server.signUpOwner();
  agentId = (await owner.client.expect(201, 'POST /agents', { body: { name: 'Archive' } })).json.id;
});

afterAll(() => end?.[Symbol.asyncDispose]());

beforeEach(async () => {
  conversationId = (await owner.client.expect(201, 'POST /conversations', { body: { agentId } })).json.id;
  tab = await end.openTab();
  await signIn(tab);
});

afterEach(async () => {
  await tab.context.close();
  if (tab.complaints.length > 0) throw new Error(tab.complaints.join('\n'));
});

const field = ({ page }: Tab) => page.getByRole('textbox', { name: 'Message to Archive' });
const dialog = ({ page }: Tab) => page.getByRole('dialog', { name: 'Your session has ended' });
const notice = ({ page }: Tab) => page.getByRole('alert').filter({ hasText: 'You are signed out' });

/** signIn opens the conversation by the sign-in page, and waits until its messages are read. */
async function signIn({ page }: Tab): Promise<void> {
  await page.goto(`/sign-in?next=/agents/${agentId}/chat/${conversationId}`);
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('textbox', { name: 'Message to Archive' }).waitFor();
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
}

async function signInAgain(at: Tab): Promise<void> {
  await dialog(at)
    .getByLabel(/^Password \*?$/)
    .fill(strongPassword);
  await dialog(at).getByRole('button', { name: 'Sign in', exact: true }).click();
  await dialog(at).waitFor({ state: 'detached' });
}

const endSessions = () => owner.client.expect(200, 'POST /sessions/revoke-others');

/**
 * send types and presses Enter, as one does; it does not wait for what comes of it. A dialog that opens in that moment,
 * because something the page reads was refused, takes the focus and what is typed: then it is typed again.
 */
async function send(at: Tab, text: string): Promise<void> {
  const type = async () => {
    await field(at).fill(text);
    return field(at).inputValue();
  };
  await expect.poll(type).toBe(text);
  await field(at).press('Enter');
}

/** decline presses Escape in the dialog. */
async function decline(at: Tab): Promise<void> {
  await dialog(at).waitFor();
  await at.page.keyboard.press('Escape');
  await dialog(at).waitFor({ state: 'detached' });
}

/** lookAgain is coming back to the window, which reads the messages anew. */
const lookAgain = ({ page }: Tab) =>
  page.evaluate(`dispatchEvent(new Event('visibilitychange')); dispatchEvent(new Event('focus'))`);

const isMessages = (url: URL) => url.pathname.endsWith('/messages');

interface Held {
  /** Resolves when the server has answered the call that is held. */
  readonly isAnswered: Promise<void>;
  /** Gives the page that answer, and waits until it has it. */
  release(): Promise<void>;
}

/** hold keeps the server's refusal of the next call of this kind from the page. */
async function hold({ page }: Tab, method: 'GET' | 'POST'): Promise<Held> {
  const answered = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  let isTaken = false;
  const keep = async (route: Route) => {
    if (isTaken || route.request().method() !== method) return route.fallback();
    isTaken = true;
    const response = await route.fetch();
    if (response.status() !== 401) answered.reject(new Error(`held a ${response.status()} instead of a refusal`));
    answered.resolve();
    await released.promise;
    await route.fulfill({ response });
    given.resolve();
  };
  await page.route(isMessages, keep);
  return {
    isAnswered: answered.promise,
    async release() {
      released.resolve();
      await given.promise;
    },
  };
}

/** questions are the texts that the server has, oldest first. */
async function questions(): Promise<string[]> {
  const { json } = await owner.client.expect(200, `GET /conversations/${conversationId}/messages`);
  return json.items.flatMap(({ role, text }: { role: string; text: string }) => (role === 'user' ? [text] : []));
}

/** expectLeftAlone: the text is in the field, the reason stands above it, and nobody asks. */
async function expectLeftAlone(at: Tab, text: string): Promise<void> {
  await expect.poll(() => field(at).inputValue()).toBe(text);
  await notice(at).waitFor();
  expect(await field(at).isEditable()).toBe(true);
  expect(await dialog(at).count()).toBe(0);
}

/** Signed in by the notice, and sent: once. */
async function expectSentOnce(at: Tab, text: string): Promise<void> {
  await notice(at).getByRole('button', { name: 'Sign in again' }).click();
  await signInAgain(at);
  await notice(at).waitFor({ state: 'detached' });
  expect(await field(at).inputValue()).toBe(text);
  await field(at).press('Enter');
  await expectAnswered(at, text);
}

/** The server has the question once, and the page shows it with its answer and an empty field. */
async function expectAnswered(at: Tab, text: string): Promise<void> {
  await at.page.getByText('Quoted from your documents').waitFor();
  await expect.poll(() => field(at).inputValue()).toBe('');
  expect(await questions()).toEqual([text]);
  const shown = at.page.getByRole('list', { name: 'Messages' }).getByText(text, { exact: true });
  await expect.poll(() => shown.count()).toBe(1); // for a frame it may stand there as sent and as on its way
}

test('[K2.4] a message whose own refusal comes after the no is back in the field, and nothing asks again', async () => {
  const post = await hold(tab, 'POST');
  await endSessions();
  await send(tab, 'Not lost');
  await post.isAnswered;
  await lookAgain(tab); // what is read meanwhile hears it first
  await decline(tab);
  await post.release();
  await expectLeftAlone(tab, 'Not lost');
  expect((await inspect(tab, 'signed-out')).violations).toEqual([]);
  await expectSentOnce(tab, 'Not lost');
});

test('[K2.4] what is read and refused after the no asks nobody, and is read again after signing in', async () => {
  const read = await hold(tab, 'GET');
  await endSessions();
  await lookAgain(tab);
  await read.isAnswered;
  await send(tab, 'Not lost');
  await decline(tab);
  await read.release();
  await expectLeftAlone(tab, 'Not lost');
  const readLater = tab.page.waitForResponse((response) => isMessages(new URL(response.url())));
  await lookAgain(tab); // and what the page reads by itself later asks nobody either
  expect((await readLater).status()).toBe(401);
  await expectLeftAlone(tab, 'Not lost');
  await expectSentOnce(tab, 'Not lost');
});

test('[K2.4] a refusal that comes after signing in again is sent anew without asking, once', async () => {
  const post = await hold(tab, 'POST');
  await endSessions();
  await send(tab, 'Sent once');
  await post.isAnswered;
  await lookAgain(tab);
  await signInAgain(tab);
  await post.release();
  await expectAnswered(tab, 'Sent once');
  expect(await dialog(tab).count()).toBe(0);
});

test('[K2.4] Escape pressed twice is one no; Enter asks again', async () => {
  await endSessions();
  await send(tab, 'Not lost');
  await dialog(tab).waitFor();
  await tab.page.keyboard.press('Escape');
  await tab.page.keyboard.press('Escape');
  await dialog(tab).waitFor({ state: 'detached' });
  await expectLeftAlone(tab, 'Not lost');
  await field(tab).press('Enter');
  await signInAgain(tab);
  await expectAnswered(tab, 'Not lost');
});

test('[K2.4] a reload keeps the text, with the question open and after a no', async () => {
  for (const isDeclined of [false, true]) {
    await endSessions();
    await send(tab, 'Not lost');
    await dialog(tab).waitFor();
    if (isDeclined) await decline(tab);
    await tab.page.reload();
    await tab.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(tab);
    await expect.poll(() => field(tab).inputValue()).toBe('Not lost');
    expect(await questions()).toEqual([]);
  }
  await field(tab).press('Enter');
  await expectAnswered(tab, 'Not lost');
});

test('[K2.4] signing in again in one tab is enough: the other sends its text by itself when it is looked at', async () => {
  const other: Tab = { ...tab, page: await tab.context.newPage() };
  await other.page.goto(`/agents/${agentId}/chat`);
  await field(other).waitFor();
  await endSessions();
  await send(tab, 'From the first');
  await dialog(tab).waitFor();
  await send(other, 'From the second');
  await signInAgain(other);
  // A read of the page just opened may have asked before Enter was pressed, which the dialog then took: the text is there.
  const isAnswered = async () => {
    if ((await field(other).inputValue()) === 'From the second') await field(other).press('Enter');
    return other.page.getByText('Quoted from your documents').count();
  };
  await expect.poll(isAnswered, { interval: 1_000 }).toBe(1);
  await lookAgain(tab);
  await dialog(tab).waitFor({ state: 'detached' });
  await expectAnswered(tab, 'From the first');
});

test('[K2.4] signing in again in another tab also ends a no', async () => {
  const other: Tab = { ...tab, page: await tab.context.newPage() };
  await endSessions();
  await send(tab, 'Not lost');
  await decline(tab);
  await expectLeftAlone(tab, 'Not lost');
  await signIn(other);
  await lookAgain(tab);
  await notice(tab).waitFor({ state: 'detached' });
  await field(tab).press('Enter');
  await expectAnswered(tab, 'Not lost');
});

test('[K3.1] what somebody left open does nothing for who signs in in the same browser, and says who that is', async () => {
  const { client } = await end.server.secondTenant();
  const { email, name } = (await client.expect(200, 'GET /session')).json.user;
  const other: Tab = { ...tab, page: await tab.context.newPage() };
  await other.page.goto('/sign-in');
  await other.page.getByLabel('E-mail or username').fill(email);
  await other.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.getByRole('heading', { name: /^Hello/ }).waitFor();
  await send(tab, 'Mine');
  await dialog(tab).getByText(`${name} is signed in in this browser now.`).waitFor();
  await inspect(tab, 'somebody-else');
  expect(await questions()).toEqual([]);
  expect((await client.expect(200, 'GET /conversations')).json.items).toEqual([]);
  await signInAgain(tab);
  await expectAnswered(tab, 'Mine');
  await other.page.getByRole('link', { name: 'Settings' }).click();
  await other.page.getByRole('link', { name: 'Sessions' }).first().click();
  await dialog(other).getByText('Ada Lovelace is signed in in this browser now.').waitFor();
  await dialog(other).getByRole('link', { name: 'Go on as Ada Lovelace' }).click();
  await other.page.getByRole('heading', { name: 'Sessions' }).waitFor();
});
