/** Second steps and passkeys in a real browser with a virtual authenticator: set up, signed in with, proved again. */
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appCode, wrongCode } from '../src/testing/second-factors.ts';
import {
  ageProofs,
  hasSidewaysScroll,
  inspect,
  prepareWeb,
  startBrowser,
  startEndToEnd,
  type EndToEnd,
  type EndToEndBrowser,
  type Tab,
} from './harness.ts';

let end: EndToEnd;
/** The same server by the name that passkeys are bound to. */
let named: EndToEndBrowser;
let tab: Tab;
let touch: (isNear: boolean) => Promise<void>;
let secret = '';
let recoveryCodes: string[] = [];

beforeAll(async () => {
  await prepareWeb();
  end = await startEndToEnd();
  named = await startBrowser(end.server.url.replace('127.0.0.1', 'localhost'));
  await end.server.signUpOwner();
  tab = await named.openTab();
  touch = await addAuthenticator(tab);
  await tab.page.goto('/sign-in?next=/settings/security');
  await givePassword(tab);
  await tab.page.getByRole('heading', { name: 'Security' }).waitFor();
});

afterAll(async () => {
  await named?.[Symbol.asyncDispose]();
  await end?.[Symbol.asyncDispose]();
});

/** A device that unlocks itself, what a person's finger does; `isNear(false)` is nobody touching it. */
async function addAuthenticator({ context, page }: Tab): Promise<(isNear: boolean) => Promise<void>> {
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return async (enabled) => {
    await devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  };
}

async function givePassword({ page }: Tab): Promise<void> {
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

async function signOut({ page, context }: Tab): Promise<void> {
  await page.evaluate(`fetch('/api/v1/auth/sign-out', { method: 'POST' })`);
  await expect.poll(async () => (await context.cookies()).some(({ name }) => name.endsWith('_session'))).toBe(false);
}

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

test('[K2.4] a passkey is added, and the page says what it is for before there is one', async () => {
  const { page } = tab;
  await page.getByText('You have no passkey yet').waitFor();
  await expectClean('security-empty');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a passkey' });
  await dialog.getByLabel('Name').fill('Work laptop');
  await expectClean('security-add-passkey');
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('list', { name: 'Passkeys' }).getByText('Work laptop').waitFor();
  await dialog.waitFor({ state: 'detached' });
});

test('[K2.4] signed out, the passkey alone signs in: nothing is typed', async () => {
  const { page } = tab;
  await signOut(tab);
  await page.goto('/sign-in?next=/settings/security');
  // This device answers at once wherever it is asked: in the name field, or else by the button, which is gone then.
  const button = page.getByRole('button', { name: 'Sign in with a passkey' });
  const heading = page.getByRole('heading', { name: 'Security' });
  await button.or(heading).first().waitFor();
  await button.click({ timeout: 5_000 }).catch(() => undefined);
  await heading.waitFor();
  await page.getByText(/Added .* · used/).waitFor();
});

test('[K2.4] a sensitive change after a while asks for the passkey or the password, and then goes on by itself', async () => {
  const { page } = tab;
  await ageProofs(end.server, tab);
  await page.getByRole('button', { name: 'Set up an app' }).click();
  const proof = page.getByRole('dialog', { name: 'Show that it is you' });
  await proof.getByLabel(/^Password/).waitFor();
  await expectClean('security-show-it-is-you');
  await proof.getByRole('button', { name: 'Use a passkey' }).click();
  const dialog = page.getByRole('dialog', { name: 'Set up an authenticator app' });
  await dialog.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor();
  secret = ((await dialog.locator('code').textContent()) ?? '').replaceAll(' ', '');
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
});

test('[K2.4] the app is confirmed by a code; a wrong one is told; the recovery codes are shown this once', async () => {
  const { page } = tab;
  const dialog = page.getByRole('dialog', { name: 'Set up an authenticator app' });
  const field = dialog.getByLabel(/^2\. Enter the code/);
  await field.fill(wrongCode(secret));
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  await dialog.getByText('This code is not right').waitFor();
  await expectClean('security-totp');
  await field.fill(appCode(secret));
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  const codes = page.getByRole('dialog', { name: 'Your recovery codes' });
  await codes.getByRole('listitem').first().waitFor();
  recoveryCodes = await codes.getByRole('listitem').allTextContents();
  expect(recoveryCodes).toHaveLength(10);
  expect(await codes.getByRole('button', { name: 'Done' }).isDisabled()).toBe(true);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    codes.getByRole('button', { name: 'Download' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('recovery-codes-localhost.txt');
  await expectClean('security-recovery-codes');
  await page.evaluate(`document.documentElement.dataset.printingCodes = ''`); // as the button Print does
  await page.emulateMedia({ media: 'print' });
  await codes.getByText('Recovery codes for ada@example.com').waitFor();
  const readShown = () =>
    page.evaluate(
      `[...document.querySelectorAll('h1, h2, button, li')].filter((one) => one.checkVisibility({ visibilityProperty: true })).map((one) => one.textContent)`,
    );
  // Nothing but the codes and their heading comes on paper.
  await expect.poll(readShown).toEqual(recoveryCodes);
  await page.emulateMedia({ media: 'screen' });
  await page.evaluate(`delete document.documentElement.dataset.printingCodes`);
  await codes.getByLabel('I have kept these codes').check();
  await codes.getByRole('button', { name: 'Done' }).click();
  await page.getByText('10 left').waitFor();
  await expectClean('security-on');
  expect(await page.content()).not.toContain(recoveryCodes[0]);
});

test('[K2.4] signing in by password asks for the second step: a wrong code is told, the right one and trust go in', async () => {
  const plain = await end.openTab(); // by an address without passkeys
  const { page } = plain;
  await page.goto('/sign-in?next=/settings/security');
  await givePassword(plain);
  await page.getByRole('heading', { name: 'Second step' }).waitFor();
  await page.getByLabel('Code from the app').fill(wrongCode(secret));
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.getByText('This code is not right').waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Second step' }).waitFor();
  await page
    .getByRole('button', { name: 'Use the authenticator app' })
    .or(page.getByLabel('Code from the app'))
    .first()
    .waitFor();
  await page.getByLabel('Code from the app').fill(appCode(secret, Date.now() + 30_000)); // a step early: this one is used
  await page.getByLabel('Do not ask again in this browser for 30 days').check();
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  await page.getByRole('list', { name: 'Trusted browsers' }).getByText('Chrome on Linux').waitFor();
  await signOut(plain);
  await page.goto('/sign-in?next=/settings/security');
  await givePassword(plain);
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  expect(plain.complaints).toEqual([]);
  await plain.context.close();
});

test('[K2.4] the second step may be a passkey', async () => {
  const { page } = tab;
  await signOut(tab);
  await touch(false);
  await page.goto('/sign-in?next=/settings/security');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  await expectClean('sign-in-passkey');
  await givePassword(tab);
  await page.getByRole('button', { name: 'Continue with a passkey' }).waitFor();
  await expectClean('second-step-passkey');
  await touch(true);
  await page.getByRole('button', { name: 'Continue with a passkey' }).click();
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  await signOut(tab);
});

test('[K2.4] or a recovery code, and can be given up', async () => {
  tab = await named.openTab(); // another browser, which holds no passkey
  const { page } = tab;
  await page.goto('/sign-in?next=/settings/security');
  await givePassword(tab);
  await page.getByRole('heading', { name: 'Second step' }).waitFor();
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await expectClean('second-step-code');
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await givePassword(tab);
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill((recoveryCodes[0] ?? '').toUpperCase());
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  await page.getByText('9 left').waitFor();
});
