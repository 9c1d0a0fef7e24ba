/** The console in a real browser: every page for operators alone, clean in each look, and a support visit from asking to its end. */
import { strongPassword } from '#testing/server';
import type { TestClient } from '#testing/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent } from '#testing/agents-fixture';
import { createTeam } from '#testing/team-fixture';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let tab: Tab;
let customer: TestClient;
let team: string;

beforeAll(async () => {
  end = await startEndToEnd();
  await end.server.signUpOwner();
  ({ client: customer } = await end.server.secondTenant());
  team = (await createTeam({ client: customer }, 'Expedition')).id;
  await createAgent(customer, { name: 'Guide' });
  await end.server.services.db.withSystem('calls for the test', (tx) =>
    tx.query({
      text: `insert into kernel.model_calls (id, tenant_id, app, model, input_tokens, cached_input_tokens, output_tokens,
               is_estimated, cost_micros, duration_ms, attempts, outcome, run_id, created_at)
             select gen_random_uuid(), $1, 'agents', 'model-' || n % 3, n * 1000, 0, 100, false, n * 20000, 900, 1, 'ok',
               gen_random_uuid(), now() - n * interval '20 hours' from generate_series(0, 20) n`,
      values: [team],
    }),
  );
  tab = await signInTo('/admin', 'ada@example.com');
  await tab.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
});
afterAll(() => end?.[Symbol.asyncDispose]());

async function signInTo(path: string, email: string): Promise<Tab> {
  const opened = await end.openTab();
  const { page } = opened;
  await page.goto(`/sign-in?next=${path}`);
  await page.getByLabel('E-mail or username').fill(email);
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  return opened;
}

async function expectClean(looked: Tab, name: string): Promise<void> {
  const { violations } = await inspect(looked, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(looked.page), `${name} scrolls sideways`).toBe(false);
  expect(looked.complaints, name).toEqual([]);
}

test('[K17.4] [K17.5] the overview says what to do where something is not well', async () => {
  const { page } = tab;
  await page.getByText('Run "npm run bulkhead backup" once a day').waitFor();
  await page.getByRole('img', { name: /^Messages by day/ }).waitFor();
  await page.getByText('Cost', { exact: true }).last().click();
  await page.getByRole('img', { name: /^Cost by day/ }).waitFor();
  await expectClean(tab, 'admin-overview');
});

test('[K17.4] [K17.5] a person is found, switched off after a question, and on again', async () => {
  const { page } = tab;
  await page.goto('/admin/people');
  await page.getByLabel('Search by name or address').fill('stranger1');
  await page.getByRole('link', { name: 'Stranger 1' }).waitFor();
  await expectClean(tab, 'admin-people');
  await page.getByRole('link', { name: 'Stranger 1' }).click();
  await page.getByRole('heading', { name: 'Stranger 1', level: 1 }).waitFor();
  await expectClean(tab, 'admin-person');
  await page.getByRole('button', { name: 'Switch off' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
  await page.getByText('Switched off', { exact: true }).first().waitFor();
  await customer.expect(401, 'GET /session');
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('button', { name: 'Switch off' }).waitFor();
  await customer.expect(200, 'POST /auth/sign-in', {
    body: { identifier: 'stranger1@example.org', password: strongPassword },
  });
});

test('[K17.4] [K2.1] [K17.5] people are invited to the server by link and mail, and a newcomer gets an account by it', async () => {
  const { page } = tab;
  await page.goto('/admin/people');
  await page.getByRole('button', { name: 'Invite people' }).click();
  await page.getByRole('textbox', { name: 'E-mail' }).fill('grace@example.com');
  await expectClean(tab, 'admin-invite-mail');
  await page.getByRole('button', { name: 'Send the invitation' }).click();
  await page.getByRole('list', { name: 'Invitations' }).getByText('grace@example.com').waitFor();
  await page.getByRole('button', { name: 'Invite people' }).click();
  await page.getByText('By link').click();
  await page.getByRole('button', { name: 'Create the link' }).click();
  const link = await page.getByLabel('Invitation link').inputValue();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('list', { name: 'Invitations' }).getByText('Link for one person').waitFor();
  await expectClean(tab, 'admin-people-invited');

  const known = await signInTo('/', 'ada@example.com');
  await known.page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
  await known.page.goto(link);
  await known.page.getByText('You have an account here already').waitFor();
  await known.context.close();

  const guest = await end.openTab();
  await guest.page.goto(link);
  await guest.page.getByRole('heading', { name: 'You are invited' }).waitFor();
  await expectClean(guest, 'server-invitation');
  await guest.page.getByLabel('Your name').fill('Mary Somerville');
  await guest.page.getByLabel('E-mail').fill('mary@example.net');
  await guest.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await guest.page.getByRole('button', { name: 'Create the account', exact: true }).click();
  await guest.page.getByRole('heading', { name: 'Hello, Mary' }).waitFor();
  await guest.context.close();
  await page.goto('/admin/people');
  await page.getByRole('link', { name: 'Mary Somerville' }).waitFor();
  await page.getByText('Used 1 of 1').waitFor();
});

test('[K17.4] an invitation to the server is sent again, and revoked after a question', async () => {
  const { page } = tab;
  await page.getByText(/^By Ada Lovelace · until/).waitFor();
  await page.getByRole('button', { name: 'Actions for grace@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Send again' }).click();
  await page.getByText('A new invitation is on its way to grace@example.com.').waitFor();
  await page.getByRole('button', { name: 'Actions for grace@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke the invitation of grace@example.com?' });
  await dialog.getByText('Who has an account already keeps it.').waitFor();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('list', { name: 'Invitations' }).getByText('grace@example.com').waitFor({ state: 'detached' });
});

test('[K17.4] [K15.4] a plan, a flag of one organisation, use, flags and jobs have their pages', async () => {
  const { page } = tab;
  await page.goto('/admin/organisations');
  await page.getByRole('link', { name: 'Expedition' }).waitFor();
  await expectClean(tab, 'admin-organisations');
  await page.getByRole('link', { name: 'Expedition' }).click();
  await page.getByRole('heading', { name: 'Support access' }).waitFor();
  await page.getByRole('switch', { name: 'Agents for Expedition' }).press('Space');
  await page.getByText('Set for this organisation.').waitFor();
  await expectClean(tab, 'admin-organisation');
  await page.goto('/admin/flags');
  await page.getByRole('button', { name: '1 exception' }).click();
  await page.getByText('Expedition', { exact: true }).waitFor();
  await page.getByText('Share', { exact: true }).click();
  await page.getByLabel('Share of all organisations').waitFor();
  await expectClean(tab, 'admin-flags');
  await page.getByRole('button', { name: 'Make it like the others' }).click();
  await page.getByText('Every organisation has it as set above.').waitFor();
  await page.goto('/admin/usage');
  await page.getByRole('img', { name: /^Cost by day/ }).waitFor();
  await expectClean(tab, 'admin-usage');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  expect((await download).suggestedFilename()).toMatch(/^usage-.*\.csv$/);
  await page.goto('/admin/jobs');
  await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
  await page.getByText('No jobs yet').waitFor();
  await expectClean(tab, 'admin-jobs');
});

test('[K17.4] an operator asks, an owner lets them in, both see it, and the owner ends it', async () => {
  const { page } = tab;
  await page.goto(`/admin/organisations/${team}`);
  await page.getByRole('button', { name: 'Ask to be let in' }).click();
  await page.getByLabel('Reason').fill('You wrote that the guide answers in the wrong language');
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.getByText('Asked', { exact: true }).waitFor();

  await customer.expect(200, `POST /organisations/${team}/switch`);
  const owner = await signInTo('/settings/support', 'stranger1@example.org');
  await owner.page.getByRole('button', { name: 'Let in' }).waitFor();
  await expectClean(owner, 'support-asked');
  await owner.page.getByRole('button', { name: 'Let in' }).click();
  await owner.page.getByRole('button', { name: 'Let in for one hour' }).click();
  await owner.page.getByRole('button', { name: 'End it now' }).waitFor();

  await page.reload();
  await page.getByRole('button', { name: 'Look into it' }).click();
  await page.getByRole('region', { name: 'Support visit' }).waitFor();
  await page.goto('/agents');
  await page.getByText('Guide', { exact: true }).first().waitFor();
  await expectClean(tab, 'support-visit');

  await owner.page.getByRole('button', { name: 'End it now' }).click();
  await owner.page.getByText('Ended by an owner').waitFor();
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await page.getByRole('region', { name: 'Support visit' }).count()).toBe(0);
  expect(await page.getByText('Guide', { exact: true }).count()).toBe(0);
});
