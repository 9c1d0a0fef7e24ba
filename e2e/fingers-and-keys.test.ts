/** What hands meet: targets that a finger can hit, fields that help who types, and pages that lead on when a link is dead. */
import { createAgent, createConversation, say, waitForAnswer } from '#testing/agents-fixture';
import { strongPassword } from '#testing/server';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devices, inspect, startEndToEnd, type EndToEnd } from './harness.ts';

let end: EndToEnd;
let phone: BrowserContext;
let page: Page;
let agentId: string;
let conversationId: string;

beforeAll(async () => {
  end = await startEndToEnd();
  const { client } = await end.server.signUpOwner();
  const agent = await createAgent(client, {
    name: 'Help desk for everybody who has lost a parcel somewhere on the way',
    suggestedQuestions: ['Where is my parcel?'],
  });
  agentId = agent.id;
  const conversation = await createConversation(client, agent.id);
  conversationId = conversation.id;
  await waitForAnswer(client, await say(client, conversation.id, 'Where is my parcel?'));
  phone = await end.browser.newContext({
    baseURL: end.server.url,
    viewport: devices.phone,
    hasTouch: true,
    isMobile: true,
    reducedMotion: 'reduce',
  });
  page = await phone.newPage();
  page.setDefaultTimeout(20_000);
});

afterAll(async () => {
  await phone?.close();
  await end?.[Symbol.asyncDispose]();
});

const leastPixels = 43.5;

/**
 * Lists what is smaller than a finger: links and controls whose box is, and around which nothing else answers. Links in
 * a sentence are left out, as WCAG 2.5.8 does, and what is only seen when focused.
 */
const findSmall = `(least) => {
  const answersAt = (element, x, y) => {
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (element === hit || element.contains(hit));
  };
  return [...document.querySelectorAll('a, button, input, textarea, select, [role=menuitem], [role=menuitemradio], [role=option]')]
    .filter((element) => {
      const box = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      if (box.width < 2 || box.height < 2 || style.visibility === 'hidden' || element.closest('[aria-hidden=true]')) return false;
      if (box.bottom < 0 || box.top > innerHeight || element.matches('[href="#main"]')) return false;
      if (element.tagName === 'A' && style.display === 'inline') return false;
      if (element.matches('input[type=radio], input[type=checkbox]')) return false; // their labels are pressed
      if (element.matches('input, textarea') && element.parentElement) {
        const frame = element.parentElement.getBoundingClientRect();
        return frame.height < least;
      }
      const isLow = box.height < least && !answersAt(element, box.left + box.width / 2, box.top - (least - box.height) / 2 + 1);
      const isNarrow = box.width < least && !answersAt(element, box.left - (least - box.width) / 2 + 1, box.top + box.height / 2);
      return isLow || isNarrow;
    })
    .map((element) => {
      const { height, width } = element.getBoundingClientRect();
      return (element.getAttribute('aria-label') ?? element.textContent ?? '') + ' ' + width + '×' + height;
    });
}`;

async function expectFingerSized(name: string): Promise<void> {
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
  expect(await page.evaluate(`(${findSmall})(${leastPixels})`), name).toEqual([]);
}

test('[K17.5] while the scripts are on their way the mark stands there, not an empty page', async () => {
  await page.route('**/assets/*.js', (route) => route.abort());
  await page.goto('/sign-in', { waitUntil: 'domcontentloaded' });
  const mark = page.locator('#root svg');
  await mark.waitFor();
  const box = await mark.boundingBox();
  expect(Math.round((box?.x ?? 0) + (box?.width ?? 0) / 2)).toBe(devices.phone.width / 2);
  await page.unroute('**/assets/*.js');
});

test('[K17.5] signed out, everything is as large as a finger', async () => {
  for (const [path, heading] of [
    ['/sign-in', 'Sign in'],
    ['/sign-up', 'Create an account'],
    ['/forgot-password', 'Forgot your password?'],
  ] as const) {
    await page.goto(path);
    await page.getByRole('heading', { name: heading }).waitFor();
    await expectFingerSized(path);
  }
});

test('[K2.2] Caps Lock is told while it is on, the password can be shown by keyboard, and pasting works', async () => {
  await page.goto('/sign-in');
  const field = page.getByLabel(/^Password \*?$/);
  await field.focus();
  await field.evaluate((element: EventTarget) => {
    const event = new KeyboardEvent('keydown', { key: 'A', bubbles: true, modifierCapsLock: true });
    element.dispatchEvent(event);
  });
  await page.getByText('Caps Lock is on.').waitFor();
  await field.press('a');
  await page.getByText('Caps Lock is on.').waitFor({ state: 'detached' });
  await field.fill('');
  await page.keyboard.insertText('pasted words'); // what a paste or a password manager does
  expect(await field.inputValue()).toBe('pasted words');
  await page.keyboard.press('Tab');
  const toggle = page.getByRole('button', { name: 'Show what is typed' });
  expect(await toggle.evaluate((element: { matches(selector: string): boolean }) => element.matches(':focus'))).toBe(
    true,
  );
  await page.keyboard.press('Enter');
  expect(await field.getAttribute('type')).toBe('text');
  expect(await toggle.getAttribute('aria-pressed')).toBe('true');
});

test('[K2.3] after a refusal the next password is typed over the last', async () => {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill('not this one');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('The name or the password is not right.').waitFor();
  await page.keyboard.type(strongPassword);
  expect(await page.getByLabel(/^Password \*?$/).inputValue()).toBe(strongPassword);
});

test('[K2.2] the rules describe the field, and a refused password is explained once, in words for people', async () => {
  await page.goto('/sign-up');
  const field = page.getByLabel(/^Password \*?$/);
  await page.getByLabel('Your name').fill('Grace Hopper');
  await page.getByLabel('E-mail').fill('grace@example.org');
  await field.fill('Sunshine2024');
  const description = () =>
    page.evaluate(
      `(document.querySelector('input[type=password]').getAttribute('aria-describedby') ?? '')
        .split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ')`,
    );
  await expect.poll(description).toContain('At least 12 characters');
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.locator('[data-error] input[type=password], input[aria-invalid=true]').first().waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(await page.getByText('`errors`').count()).toBe(0);
});

test('[K17.5] links that are cut off or used say so and lead on', async () => {
  for (const [path, heading] of [
    ['/invitation#token=cut', 'This invitation does not work'],
    ['/verify-email', 'This link does not work any more'],
    ['/reset-password#token=cut', 'This link does not work any more'],
  ] as const) {
    await page.goto('about:blank');
    await page.goto(path);
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await page.getByRole('main').getByRole('link').first().waitFor();
  }
  await page.goto('about:blank');
  await page.goto(`/verify-email#token=${'made-up-'.repeat(4)}`);
  await page.getByRole('button', { name: 'Confirm the address' }).click();
  await page.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
});

test('[K17.5] signed in, everything is as large as a finger: home, lists, menus, chat, forms', async () => {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
  await expectFingerSized('home');
  await page.getByRole('button', { name: 'Account of Ada Lovelace' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
  await expectFingerSized('account menu');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'Home' }).waitFor();
  await expectFingerSized('drawer');
  for (const [path, heading] of [
    ['/agents', 'Agents'],
    ['/agents/new', 'New agent'],
    [`/agents/${agentId}/knowledge`, /^Help desk/],
    [`/agents/${agentId}/chat`, /^Help desk/],
    [`/agents/${agentId}/chat/${conversationId}`, /^Where is my parcel/],
    ['/settings/usage', 'Usage'],
    ['/notifications', 'Notifications'],
  ] as const) {
    await page.goto(path);
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await expectFingerSized(path);
  }
});

test('[K17.5] a long name neither grows the field of a chat nor hides what can be done in the palette', async () => {
  await page.goto(`/agents/${agentId}/chat`);
  const field = page.getByRole('textbox', { name: /^Message to Help desk/ });
  expect((await field.boundingBox())?.height).toBeLessThan(50);
  await page.getByRole('button', { name: 'Search and commands' }).click();
  await page.getByRole('combobox', { name: 'Search and commands' }).fill('parcel');
  const option = page.getByRole('option', { name: /Help desk for everybody/ }).first();
  await option.waitFor();
  const box = await option.boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(devices.phone.width);
});

test('[K17.5] what was deleted is “not found”, with the way on, instead of an error to try again', async () => {
  const tab = { page, context: phone, complaints: [] };
  await page.goto(`/agents/${conversationId}`);
  await page.getByRole('heading', { name: 'There is no such agent here' }).waitFor();
  expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
  expect((await inspect(tab, 'agent-not-found')).violations).toEqual([]);
  await page.setViewportSize(devices.phone);
  await page.getByRole('link', { name: 'All agents' }).click();
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  await page.goto(`/agents/${agentId}/chat/${agentId}`);
  await page.getByRole('heading', { name: 'There is no such conversation' }).waitFor();
  expect((await inspect(tab, 'conversation-not-found')).violations).toEqual([]);
});
