/** Links by mail in a real browser: from the forgotten password to being signed in, and an address confirmed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMailServer, type MailServer } from '#testing/mail-server';
import { strongPassword } from '#testing/server';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

const newPassword = 'Sieben Zwerge & 1 Prinz';
const email = 'grace@example.org';
let mails: MailServer;
let end: EndToEnd;
let tab: Tab;

beforeAll(async () => {
  mails = await startMailServer();
  end = await startEndToEnd({
    environment: { MAIL_SMTP_URL: mails.url, MAIL_FROM: 'Bulkhead <server@bulkhead.test>' },
  });
  await end.server.signUpOwner();
  tab = await end.openTab();
  await tab.page.goto('/sign-up');
  await tab.page.getByLabel('Your name').fill('Grace Hopper');
  await tab.page.getByLabel('E-mail').fill(email);
  await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await tab.page.getByRole('button', { name: 'Create' }).click();
  await tab.page.getByRole('heading', { name: 'Hello, Grace' }).waitFor();
});
afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
});

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

/** linkIn waits for the mail and returns the path of its link, as somebody who clicks it would open it. */
async function linkIn(subject: string): Promise<string> {
  const find = () => mails.received.findLast((mail) => mail.header('subject') === subject)?.raw.replaceAll('=\r\n', '');
  await expect.poll(find).toBeDefined();
  const match = /(\/[\w-]+)#token=(?:3D)?([\w-]{20,})/.exec(find() ?? '');
  return `${match?.[1]}#token=${match?.[2]}`;
}

test('[K2.4] a new account confirms its address with the link from its mailbox', async () => {
  const { page } = tab;
  await page.goto('/settings/profile');
  await page.getByText('Not confirmed').waitFor();
  await expectClean('profile-unconfirmed');
  await page.goto(await linkIn('Confirm your e-mail address'));
  await page.getByRole('heading', { name: 'Confirm your address' }).waitFor();
  await expectClean('verify-email');
  await page.getByRole('button', { name: 'Confirm the address' }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await page.getByRole('link', { name: 'Go on' }).click();
  await page.goto('/settings/profile');
  await page.getByText('Confirmed', { exact: true }).waitFor();
});

test('[K2.4] a forgotten password is replaced by the link, which then works no more', async () => {
  const { page } = tab;
  await tab.context.clearCookies();
  await page.goto('/sign-in');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByRole('heading', { name: 'Forgot your password?' }).waitFor();
  await expectClean('forgot-password');
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByText('Look into your mailbox').waitFor();
  await expectClean('forgot-password-asked');
  const link = await linkIn('Choose a new password');
  await page.goto(link);
  await page.getByRole('heading', { name: 'Choose a new password' }).waitFor();
  await page.getByLabel('New password').fill(newPassword);
  await page.getByText('At least 12 characters (met)').waitFor();
  await expectClean('reset-password');
  await page.getByRole('button', { name: 'Save and sign in' }).click();
  await page.getByRole('heading', { name: 'Hello, Grace' }).waitFor();
  expect(page.url()).not.toContain('token');
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
  await expectClean('reset-password-dead-link');
});
