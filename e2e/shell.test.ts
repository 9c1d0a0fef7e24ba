/** The web shell in a real browser: setting up, signing in, settings, and what the browser and axe think of each page. */
import { createSetupLink } from '#kernel/auth';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: Tab;

beforeAll(async () => {
  end = await startEndToEnd();
  owner = await end.openTab();
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function expectClean(tab: Tab, name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

describe('the first minutes', () => {
  test('[K2.1] without its link the setup page says where the link is', async () => {
    await owner.page.goto('/');
    await owner.page.getByRole('heading', { name: 'Open the setup link' }).waitFor();
    await expectClean(owner, 'setup-without-link');
  });

  test('[K2.1] [K2.2] the one-time link creates the owner; the meter names the failing rule', async () => {
    const { page } = owner;
    const link = await createSetupLink({
      db: end.server.services.db,
      config: end.server.services.config,
      publicUrl: end.server.url,
    });
    await page.goto('about:blank');
    await page.goto(link ?? 'about:blank');
    await page.getByLabel('Your name').fill('Ada Lovelace');
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel(/^Password \*?$/).fill('Sunshine2024');
    await page.getByText('Guessed at once').or(page.getByText('Very weak')).waitFor();
    await page.getByText('A symbol, such as ! or a space (not yet)').waitFor();
    await expectClean(owner, 'setup-weak');
    await page.getByLabel(/^Password \*?$/).fill(strongPassword);
    await page.getByText('A symbol, such as ! or a space (met)').waitFor();
    await expectClean(owner, 'setup-strong');
    await page.getByRole('button', { name: 'Create the owner' }).click();
    await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
    expect(page.url()).not.toContain('token');
    await expectClean(owner, 'home');
  });
});

describe('signed in', () => {
  test('[K17.5] settings pages are clean: profile, sessions, models', async () => {
    const { page } = owner;
    for (const name of ['Profile', 'Sessions', 'Models']) {
      await page.goto(`/settings/${name.toLowerCase()}`);
      await page.getByRole('heading', { name, level: 1 }).waitFor();
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
      await expectClean(owner, `settings-${name.toLowerCase()}`);
    }
  });

  test('[K17.5] an unknown address says so and leads home', async () => {
    await owner.page.goto('/nowhere/at/all');
    await owner.page.getByRole('heading', { name: 'Not found' }).waitFor();
    await expectClean(owner, 'not-found');
    await owner.page.getByRole('link', { name: 'Go home' }).click();
    await owner.page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
  });

  test('[K17.5] the program of a page is fetched while the server is still asked who is there', async () => {
    const { page } = owner;
    const asked = Promise.withResolvers<void>();
    await page.route('**/api/v1/session', async (route) => {
      await asked.promise;
      await route.continue();
    });
    const program = page.waitForRequest(/sessions-page-[^/]*\.js$/);
    await page.goto('/settings/sessions');
    await program;
    asked.resolve();
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
    await page.unroute('**/api/v1/session');
  });

  test('[K17.5] after navigation the focus is at the heading of the new page', async () => {
    const { page } = owner;
    await page.goto('/settings/profile');
    await page.getByRole('heading', { name: 'Profile' }).waitFor();
    await page.getByRole('link', { name: 'Home' }).click();
    await page.locator('h1:focus', { hasText: 'Hello, Ada' }).waitFor();
    await expect.poll(() => page.title()).toBe('Hello, Ada · Bulkhead');
  });

  test('[K17.5] light and dark can be chosen, survive a reload and do not flash', async () => {
    const { page } = owner;
    await page.emulateMedia({ colorScheme: 'light' });
    await page
      .getByRole('button', { name: /^Account of Ada Lovelace/ })
      .last()
      .click();
    await page.getByRole('menuitemradio', { name: 'Dark' }).click();
    await page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
    // Looked at before the app's scripts have run: the attribute is there with the parsed document.
    await page.route('**/assets/*.js', (route) => route.abort());
    await page.reload({ waitUntil: 'domcontentloaded' });
    expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe('dark');
    await page.unroute('**/assets/*.js');
    await page.evaluate(`localStorage.removeItem('bulkhead.color-scheme')`);
    await page.goto('/');
    await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
    owner.complaints.length = 0; // the aborted scripts
  });

  test('[K17.5] on a phone the navigation is a drawer that opens and closes by keyboard', async () => {
    const phone = await signInOn('phone');
    const { page } = phone;
    await page.getByRole('button', { name: 'Open navigation' }).press('Enter');
    await page.getByRole('dialog').getByRole('link', { name: 'Home' }).waitFor();
    await expectClean(phone, 'drawer');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await phone.context.close();
  });
});

describe('sessions', () => {
  test('[K2.4] another session is listed, revoked, and asked to sign in again without losing what was typed', async () => {
    const other = await signInOn('desktop');
    await other.page.goto('/settings/profile');
    await other.page.getByLabel(/^Name \*?$/).fill('Ada King');
    await owner.page.goto('/settings/sessions');
    await owner.page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await expectClean(owner, 'sessions-confirm');
    await owner.page.getByRole('button', { name: 'Sign out the others' }).click();
    await owner.page.getByText(/sessions? ha(s|ve) ended/i).waitFor();
    await other.page.getByRole('button', { name: 'Save' }).click();
    const dialog = other.page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    await expectClean(other, 'sign-in-again');
    await dialog.getByLabel(/^Password \*?$/).fill(strongPassword);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await other.page.getByText('Your profile is saved.').waitFor();
    await other.page
      .getByRole('button', { name: /^Account of Ada King/ })
      .first()
      .waitFor();
    await other.context.close();
  });

  test('[K2.3] a wrong password says so, keeps the name, and a deep link is reached after signing in', async () => {
    const tab = await end.openTab();
    await tab.page.goto('/settings/models?x=1');
    await tab.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expectClean(tab, 'sign-in');
    await tab.page.getByLabel('E-mail or username').fill('ada@example.com');
    await tab.page.getByLabel(/^Password \*?$/).fill('wrong password');
    await tab.page.getByRole('button', { name: 'Sign in' }).click();
    await tab.page.getByRole('alert').waitFor();
    await expectClean(tab, 'sign-in-refused');
    expect(await tab.page.getByLabel('E-mail or username').inputValue()).toBe('ada@example.com');
    await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
    await tab.page.getByRole('button', { name: 'Sign in' }).click();
    await tab.page.getByRole('heading', { name: 'Models' }).waitFor();
    expect(tab.page.url()).toContain('/settings/models?x=1');
    await tab.context.close();
  });

  test('[K2.1] where sign-up is open, a stranger gets an account of their own', async () => {
    const tab = await end.openTab();
    await tab.page.goto('/sign-up');
    await tab.page.getByLabel('Your name').fill('Grace Hopper');
    await expectClean(tab, 'sign-up');
    await tab.page.getByLabel('E-mail').fill('grace@example.com');
    await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
    await tab.page.getByRole('button', { name: 'Create the account' }).click();
    await tab.page.getByRole('heading', { name: 'Hello, Grace' }).waitFor();
    await tab.context.close();
  });

  test('[K2.4] signing out ends the session and forgets the person', async () => {
    const tab = await signInOn('desktop');
    await tab.page
      .getByRole('button', { name: /^Account of/ })
      .last()
      .click();
    await tab.page.getByRole('menuitem', { name: 'Sign out' }).click();
    await tab.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await tab.page.goto('/settings/profile');
    await tab.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await tab.context.close();
  });
});

describe('failures', () => {
  test('[K6.3] a page whose data cannot be loaded shows the sentence, the error id and a retry that works', async () => {
    const tab = await signInOn('desktop');
    const problem = {
      type: '/x',
      title: 'x',
      status: 500,
      detail: 'Something went wrong on our side.',
      code: 'INTERNAL',
      requestId: 'req-e2e-1',
      isRetryable: false,
    };
    await tab.page.route('**/api/v1/sessions*', (route) =>
      route.fulfill({ status: 500, contentType: 'application/problem+json', json: problem }),
    );
    await tab.page.goto('/settings/sessions');
    await tab.page.getByText('req-e2e-1').waitFor();
    await expectClean(tab, 'error-state');
    await tab.page.unroute('**/api/v1/sessions*');
    await tab.page.getByRole('button', { name: 'Try again' }).click();
    await tab.page.getByText('This device').waitFor();
    await tab.context.close();
  });

  test('[K6.3] a page that crashes offers retry, the way home and an error id; the shell stands', async () => {
    const tab = await signInOn('desktop');
    await tab.page.route('**/assets/profile-page-*.js', (route) =>
      route.fulfill({
        contentType: 'text/javascript',
        body: 'export default function Page() { throw new Error("planted"); }',
      }),
    );
    await tab.page.goto('/settings/profile');
    await tab.page.getByRole('heading', { name: 'This page could not be shown' }).waitFor();
    await tab.page.getByText(/web-[0-9a-f]{8}/).waitFor();
    await tab.page.getByRole('navigation', { name: 'Main' }).waitFor();
    tab.complaints.length = 0; // the planted error
    await expectClean(tab, 'page-error');
    await tab.page.getByRole('button', { name: 'Go home' }).click();
    await tab.page.getByRole('heading', { name: /^Hello/ }).waitFor();
    await tab.context.close();
  });

  test('[K8.1] markup and code from strings are refused by the browser', async () => {
    const tab = await signInOn('desktop');
    const refused = (code: string) =>
      tab.page.evaluate(`(() => { try { ${code}; return 'allowed'; } catch (error) { return error.name; } })()`);
    expect(await refused(`document.body.innerHTML = '<img src=x onerror=alert(1)>'`)).toBe('TypeError');
    expect(await refused(`document.createElement('script').src = '//evil.example/x.js'`)).toBe('TypeError');
    expect(await refused(`new DOMParser().parseFromString('<b>x</b>', 'text/html')`)).toBe('TypeError');
    await tab.context.close();
  });
});

async function signInOn(device: 'phone' | 'desktop'): Promise<Tab> {
  const tab = await end.openTab({ device });
  await tab.page.goto('/sign-in');
  await tab.page.getByLabel('E-mail or username').fill('ada@example.com');
  await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await tab.page.getByRole('button', { name: 'Sign in' }).click();
  await tab.page.getByRole('heading', { name: /^Hello/ }).waitFor();
  return tab;
}
