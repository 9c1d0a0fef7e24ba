/** Organisations in a real browser: made, switched, shared by mail and link, and no tab that acts elsewhere than it shows. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { strongPassword } from '#testing/server';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: Tab;
let link: string;

beforeAll(async () => {
  end = await startEndToEnd({
    environment: {
      LIMITS: 'organisation.settings=1000/60,organisation.read=10000/60,auth.session-read=10000/60',
    },
  });
  owner = await end.openTab();
  await owner.page.goto('/sign-up');
  await signUp(owner, 'Ada Lovelace', 'ada@example.com', 'Create the account');
  await owner.page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function signUp({ page }: Tab, name: string, email: string, button: string): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: button }).click();
}

async function expectClean(tab: Tab, name: string): Promise<void> {
  await tab.page.getByRole('status', { name: 'Loading' }).waitFor({ state: 'detached' });
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

const switcher = ({ page }: Tab) =>
  page.getByRole('navigation', { name: 'Main' }).getByRole('button', { name: /^Organisation:/ });

test('[K3.1] a personal organisation says that it is personal, and how to work with others', async () => {
  const { page } = owner;
  await page.goto('/settings/members');
  await page.getByRole('heading', { name: 'Just you' }).waitFor();
  await expectClean(owner, 'members-personal');
  await page.goto('/settings/organisation');
  await page.getByRole('heading', { name: 'Personal' }).waitFor();
  await expectClean(owner, 'organisation-personal');
});

test('[K3.1] [K17.5] a team organisation is created from the switcher, by keyboard, and leads to inviting', async () => {
  const { page } = owner;
  await switcher(owner).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitemradio', { name: /Ada Lovelace/ }).waitFor();
  await expectClean(owner, 'organisation-switcher');
  // The phone's width, which is part of looking, has taken the menu away.
  await page.goto('/');
  await switcher(owner).focus();
  await page.keyboard.press('Enter');
  // It opens whole: the focus begins where one works now, and Escape gives it back to the button.
  await page
    .getByRole('menuitemradio', { name: /Ada Lovelace/ })
    .and(page.locator(':focus'))
    .waitFor();
  await page.keyboard.press('Escape');
  await switcher(owner).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  await page
    .getByRole('menuitemradio', { name: /Ada Lovelace/ })
    .and(page.locator(':focus'))
    .waitFor();
  const create = page.getByRole('menuitem', { name: 'New organisation' });
  await expect
    .poll(async () => {
      await page.keyboard.press('ArrowDown');
      return create.and(page.locator(':focus')).count();
    })
    .toBe(1);
  await create.press('Enter');
  await page.getByLabel('Name').fill('Lighthouse');
  await page.getByLabel('Name').press('Enter');
  await page.getByRole('heading', { name: 'Nobody is invited' }).waitFor();
  await switcher(owner).getByText('Lighthouse').waitFor();
});

test('[K3.1] people are invited by mail and by link, and the list shows both', async () => {
  const { page } = owner;
  await page.getByRole('button', { name: 'Invite people' }).first().click();
  await page.getByRole('textbox', { name: 'E-mail' }).fill('grace@example.com');
  await expectClean(owner, 'invite-mail');
  await page.getByRole('button', { name: 'Send the invitation' }).click();
  await page.getByRole('list', { name: 'Invitations' }).getByText('grace@example.com').waitFor();
  await page.getByRole('button', { name: 'Invite people' }).click();
  await page.getByText('By link').click();
  await page.getByRole('button', { name: 'Create the link' }).click();
  link = await page.getByLabel('Invitation link').inputValue();
  expect(link).toContain('/invitation#token=');
  await expectClean(owner, 'invite-link-ready');
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('list', { name: 'Invitations' }).getByText('Link for 10 people').waitFor();
});

test('[K3.1] an invitation is sent again, and revoked after a question that says what happens', async () => {
  const { page } = owner;
  const invited = page.getByRole('list', { name: 'Invitations' }).getByText('grace@example.com');
  await page.getByText(/^Member · by Ada Lovelace · until/).waitFor();
  await page.getByText(/^Member · used 0 of 10 · by Ada Lovelace · until/).waitFor();
  await page.getByRole('button', { name: 'Actions for grace@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Send again' }).click();
  await page.getByText('A new invitation is on its way to grace@example.com.').waitFor();
  await page.getByRole('button', { name: 'Actions for grace@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke the invitation of grace@example.com?' });
  await dialog.getByText('Who has accepted already stays a member.').waitFor();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await dialog.waitFor({ state: 'detached' });
  await invited.waitFor({ state: 'detached' });
});

test('[K3.1] somebody new joins by the link in one step', async () => {
  const guest = await end.openTab();
  await guest.page.goto(link);
  await guest.page.getByRole('heading', { name: 'Join Lighthouse' }).waitFor();
  await expectClean(guest, 'invitation-new');
  await signUp(guest, 'Grace Hopper', 'grace@example.net', 'Create the account and join');
  await guest.page.getByRole('heading', { name: 'Hello, Grace' }).waitFor();
  expect(guest.page.url()).not.toContain('token');
  await switcher(guest).getByText('Lighthouse').waitFor();
  await guest.page.goto('/settings/members');
  await guest.page.getByRole('list', { name: 'Members' }).getByText('Ada Lovelace').waitFor();
  expect(await guest.page.getByRole('button', { name: 'Invite people' }).count()).toBe(0);
  await guest.context.close();
});

test('[K3.1] somebody with an account signs in first, and the invitation is still there', async () => {
  const guest = await end.openTab();
  await guest.page.goto('/sign-up');
  await signUp(guest, 'Alan Turing', 'alan@example.net', 'Create the account');
  await guest.page.getByRole('heading', { name: 'Hello, Alan' }).waitFor();
  await guest.context.clearCookies();
  await guest.page.goto(link);
  await guest.page.getByRole('link', { name: 'I have an account: sign in' }).click();
  await guest.page.getByLabel('E-mail or username').fill('alan@example.net');
  await guest.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await guest.page.getByRole('button', { name: 'Sign in' }).click();
  await guest.page.getByRole('button', { name: 'Accept as alan@example.net' }).waitFor();
  await expectClean(guest, 'invitation-signed-in');
  await guest.page.getByRole('button', { name: 'Accept as alan@example.net' }).click();
  await guest.page.getByRole('heading', { name: 'Hello, Alan' }).waitFor();
  await switcher(guest).getByText('Lighthouse').waitFor();
  await guest.context.close();
});

test('[K3.1] an invitation that does not work says why and what to do', async () => {
  const guest = await end.openTab();
  await guest.page.goto('/invitation#token=made-up-made-up-made-up');
  await guest.page.getByRole('heading', { name: 'This invitation does not work' }).waitFor();
  await expectClean(guest, 'invitation-invalid');
  await guest.context.close();
});

test('[K3.1] roles are changed and people removed, each after a question that says what happens', async () => {
  const { page } = owner;
  await page.goto('/settings/members');
  await page.getByRole('list', { name: 'Members' }).getByText('Grace Hopper').waitFor();
  await expectClean(owner, 'members');
  await page.getByRole('button', { name: 'Actions for Grace Hopper' }).click();
  await page.getByRole('menuitem', { name: 'Change role' }).click();
  await page.getByRole('radio', { name: 'Viewer' }).check();
  await page.getByRole('button', { name: 'Change the role' }).click();
  await page.getByText('The role of Grace Hopper is viewer now.').waitFor();
  await page.getByRole('button', { name: 'Actions for Grace Hopper' }).click();
  await page.getByRole('menuitem', { name: 'Make owner' }).click();
  await page.getByText('I hand my ownership over').waitFor();
  await expectClean(owner, 'member-make-owner');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Actions for Alan Turing' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await page.getByRole('heading', { name: 'Remove Alan Turing?' }).waitFor();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('Alan Turing does not belong to the organisation any more.').waitFor();
  await page.goto('/settings/organisation');
  await page.getByText('You are its only owner').waitFor();
  await expectClean(owner, 'organisation');
});

/** holdDialogs keeps the shell's dialogs from a page that has just been loaded, as a slow network does. */
async function holdDialogs(page: Page): Promise<{ release(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route('**/assets/shell-dialogs-*.js', async (route) => {
    await promise;
    await route.continue();
  });
  return { release: resolve };
}

test('[K3.1] another tab notices the switch at once, sends nothing to the wrong organisation, and can go back', async () => {
  const second = await owner.context.newPage();
  await second.goto('/settings/organisation');
  await second.getByRole('textbox', { name: 'Name' }).fill('Renamed by mistake');
  const { page } = owner;
  const dialogs = await holdDialogs(page);
  await page.goto('/');
  await switcher(owner).click();
  await page.getByRole('menuitemradio', { name: /Ada Lovelace/ }).click();
  await switcher(owner).getByText('Personal').waitFor();
  const dialog = second.getByRole('dialog', { name: 'You work in another organisation now' });
  await dialog.waitFor();
  await second.getByRole('button', { name: 'Close' }).or(dialog.locator('.mantine-Modal-close')).first().click();
  await second.getByRole('button', { name: 'Save the name' }).click();
  await dialog.waitFor();
  const names = await end.server.services.db.withAuth((tx) =>
    tx.query<{ name: string }>({ text: 'select name from auth.organizations' }),
  );
  expect(names.map((row) => row.name)).not.toContain('Renamed by mistake');
  await dialog.getByRole('button', { name: 'Back to Lighthouse' }).click();
  await second.getByText('The organisation has its new name.').waitFor();
  dialogs.release(); // the page was told before it could show it
  await page.getByRole('dialog', { name: 'You work in another organisation now' }).waitFor();
  // Behind the dialog the page waits for an answer, so that only the dialog is looked at.
  expect((await inspect(owner, 'organisation-changed')).violations).toEqual([]);
  await page.getByRole('button', { name: /^Go to / }).click();
  await switcher(owner).getByText('Renamed by mistake').waitFor();
  await second.close();
});

test('[K3.1] [K17.5] on a phone the switcher is in the drawer', async () => {
  const { page } = owner;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/');
  await page.getByRole('button', { name: 'Open navigation' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('button', { name: /^Organisation:/ }).click();
  await page.getByRole('menuitemradio', { name: /Renamed by mistake/ }).waitFor();
  await page.screenshot({ path: '.build/screenshots/organisation-drawer-phone.png', animations: 'disabled' });
  await page.getByRole('menuitem', { name: 'Members' }).click();
  await page.getByRole('heading', { name: 'Members', level: 1 }).waitFor();
});
