/** People's rights over their data in a real browser: a copy, its way into another account, and the end, which can be taken back. */
import { readFile } from 'node:fs/promises';
import { strongPassword, type Tenant } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import yauzl from 'yauzl';
import { createAgent, createConversation, say, uploadAndRead, waitForAnswer } from '../src/testing/agents-fixture.ts';
import { asAdmin } from '../src/testing/as-admin.ts';
import { addMember, createTeam } from '../src/testing/team-fixture.ts';
import { ageProofs, devices, hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let ada: Tenant;
let tab: Tab;
let archive = '';
const roomy = ['export', 'import', 'deletion', 'read', 'retention'].map((name) => `privacy.${name}=1000/60`);

beforeAll(async () => {
  end = await startEndToEnd({ environment: { DELETION_GRACE_DAYS: '7', LIMITS: roomy.join(',') } });
  ada = await end.server.signUpOwner();
  const agent = await createAgent(ada.client, { name: 'Weather desk' });
  await uploadAndRead(ada.client, agent.id, 'clouds.md', 'A cumulus is a cloud with a flat base.');
  const conversation = await createConversation(ada.client, agent.id);
  await waitForAnswer(ada.client, await say(ada.client, conversation.id, 'What is a cumulus?'));
  tab = await signIn('ada@example.com', '/settings/data');
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function signIn(email: string, path: string): Promise<Tab> {
  const opened = await end.openTab();
  const { page } = opened;
  await page.goto(`/sign-in?next=${path}`);
  await page.getByLabel('E-mail or username').fill(email);
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL(`**${path}`);
  return opened;
}

/** The browser of somebody who is signed in already, and works where they work. */
async function openAs({ client }: Pick<Tenant, 'client'>, path: string): Promise<Tab> {
  const opened = await end.openTab();
  const [name = '', value = ''] = client.cookie.split('=', 2);
  await opened.context.addCookies([{ name, value, url: end.server.url.replace('http:', 'https:'), secure: true }]);
  await opened.page.goto(path);
  return opened;
}

async function expectClean(looked: Tab, name: string): Promise<void> {
  await expect.poll(() => looked.page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
  const { violations } = await inspect(looked, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(looked.page), `${name} scrolls sideways`).toBe(false);
  expect(looked.complaints, name).toEqual([]);
}

const admin = (sql: string, values: readonly unknown[] = []) =>
  asAdmin(end.server.database, (query) => query(sql, values));

async function makeDueAndErase(): Promise<void> {
  await admin(`update kernel.erasures set due_at = now() - interval '1 second'`);
  await end.server.services.rights.erase(end.server.services);
  // The server looks every minute by itself: whoever comes first, what was due is gone.
  await expect.poll(() => admin('select id from kernel.erasures where due_at <= now()')).toEqual([]);
}

const banner = ({ page }: Tab) => page.getByRole('region', { name: 'About to be deleted' });

async function readZip(path: string): Promise<Map<string, string>> {
  const zip = await yauzl.openPromise(path);
  const files = new Map<string, string>();
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    files.set(entry.fileName, Buffer.concat(chunks).toString());
  }
  return files;
}

test('[K16.1] before there is a copy the page says what one is for, and while one is made how far it is, also after a reload', async () => {
  const { page } = tab;
  await page.getByText('No copy yet.').waitFor();
  await page.getByText('What is inside').click();
  await expectClean(tab, 'data-empty');
  const { tenantId, userId } = ada.principal;
  await admin(
    `insert into kernel.exports (id, tenant_id, owner_id, state, progress_percent)
     values ('0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e6f', $1, $2, 'running', 40)`,
    [tenantId, userId],
  );
  await page.reload();
  const copies = page.getByRole('list', { name: 'Copies of your data' });
  await copies.getByText('40 %').waitFor();
  await expect.poll(() => page.getByRole('button', { name: 'Make a copy' }).isDisabled()).toBe(true);
  await expectClean(tab, 'data-making');
  await admin('update kernel.exports set progress_percent = 65');
  await copies.getByText('65 %').waitFor();
  expect(await copies.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('65');
  await page.reload();
  await copies.getByText('65 %').waitFor();
  await copies.getByRole('button', { name: /^Cancel/ }).click();
  await page.getByText('No copy yet.').waitFor();
  await admin(
    `insert into kernel.exports (id, tenant_id, owner_id, state, error_code, finished_at)
     values ('0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e70', $1, $2, 'failed', 'STORAGE_FULL', now())`,
    [tenantId, userId],
  );
  await page.reload();
  await copies.getByText(/no room left for it. Tell whoever runs this server/).waitFor();
  await copies.getByRole('button', { name: /^Delete/ }).click();
  await page.getByText('No copy yet.').waitFor();
});

test('[K16.1] a copy is asked for after showing who one is, becomes ready under the eyes, and is downloaded: all of it is inside', async () => {
  const { page } = tab;
  await ageProofs(end.server, tab);
  await page.getByRole('button', { name: 'Make a copy' }).click();
  const proof = page.getByRole('dialog', { name: 'Show that it is you' });
  await proof.getByLabel(/^Password/).fill(strongPassword);
  await proof.getByRole('button', { name: 'Continue' }).click();
  const copies = page.getByRole('list', { name: 'Copies of your data' });
  await copies.getByText('Ready').waitFor();
  await copies.getByText(/deleted by itself on/).waitFor();
  await expectClean(tab, 'data-ready');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    copies.getByRole('link', { name: /^Download/ }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^bulkhead-data-\d{4}-\d{2}-\d{2}\.zip$/);
  archive = await download.path();
  const files = await readZip(archive);
  expect([...files.keys()]).toEqual(expect.arrayContaining(['README.txt', 'manifest.json', 'account/auth.users.csv']));
  expect(files.get('portable/agents.jsonl')).toContain('Weather desk');
  expect(files.get('personal/app_agents.messages.json')).toContain('What is a cumulus?');
  expect([...files].some(([name, text]) => name.startsWith('files/') && text.includes('flat base'))).toBe(true);
});

test('[K16.1] in another account the archive is brought back, and the page says what came in', async () => {
  const other = await end.server.secondTenant();
  const guest = await openAs(other, '/settings/data');
  const { page } = guest;
  const chooser = page.locator('input[type=file]');
  const damaged = Buffer.from('PK but not for long');
  await chooser.setInputFiles({ name: 'damaged.zip', mimeType: 'application/zip', buffer: damaged });
  const list = page.getByRole('list', { name: 'Archives brought back' });
  await list.getByText(/is no archive of this kind of server, or it is damaged/).waitFor();
  await chooser.setInputFiles({ name: 'copy.zip', mimeType: 'application/zip', buffer: await readFile(archive) });
  await list.getByText('Done', { exact: true }).waitFor();
  const row = (kind: string) => list.getByRole('row', { name: new RegExp(`^${kind} `) });
  expect(await row('Agents').textContent()).toBe('Agents100');
  await expectClean(guest, 'data-imported');
  await page.setViewportSize(devices.phone);
  const [around, table] = [await list.boundingBox(), await list.getByRole('table').boundingBox()];
  expect((table?.x ?? 999) + (table?.width ?? 0)).toBeLessThanOrEqual((around?.x ?? 0) + (around?.width ?? 0));
  await page.goto('/agents');
  await page.getByText('Weather desk').first().waitFor();
  expect(guest.complaints).toEqual([]);
  await guest.context.close();
});

test('[K16.1] an upload says its limit, survives a broken line, goes on after a closed page, and makes no doubles', async () => {
  const other = await end.server.secondTenant();
  const bytes = await readFile(archive);
  const file = { name: 'copy.zip', mimeType: 'application/zip', buffer: bytes };
  await other.client.expect(202, 'POST /import-uploads', { body: { filename: file.name, sizeBytes: bytes.length } });
  const guest = await openAs(other, '/settings/data');
  const { page } = guest;
  await page.getByText(/^One ZIP file, up to 4 GB/).waitFor();
  const list = page.getByRole('list', { name: 'Archives brought back' });
  await list.getByText(/have arrived. If the upload has stopped, choose the same file again/).waitFor();
  await expectClean(guest, 'data-arriving');
  let isCut = false;
  await page.route('**/imports/*/archive*', (route) => {
    if (isCut) return route.continue();
    isCut = true;
    return route.abort('connectionreset');
  });
  const chooser = page.locator('input[type=file]');
  await chooser.setInputFiles(file);
  await list.getByText('Done', { exact: true }).waitFor();
  expect(isCut).toBe(true);
  await chooser.setInputFiles(file);
  await list.getByText('All of it was brought back before.').waitFor();
  await list
    .getByRole('button', { name: /^Take copy.zip of .* off the list$/ })
    .first()
    .click();
  await expect.poll(() => list.getByText('All of it was brought back before.').count()).toBe(0);
  await list.getByText('Done', { exact: true }).waitFor();
  guest.complaints.length = 0; // the line that was cut
  await guest.context.close();
});

test('[K16.2] how long data is kept is a sentence, and what would be deleted is said before it is', async () => {
  const { page } = tab;
  const field = page
    .getByRole('textbox', { name: /^Conversations with agents/ })
    .or(page.getByRole('combobox', { name: /^Conversations with agents/ }));
  await field.first().click();
  await page.getByRole('option', { name: 'For 90 days' }).click();
  const dialog = page.getByRole('dialog', { name: 'Keep it for 90 days only?' });
  await dialog.getByText(/everything older than 90 days is deleted within minutes/).waitFor();
  await expectClean(tab, 'data-retention');
  await dialog.getByRole('button', { name: 'Delete what is older' }).click();
  await page.getByText('Saved. It holds from now on.').first().waitFor();
  const { json } = await ada.client.expect(200, 'GET /organisation/retention');
  expect(json.rules).toContainEqual(expect.objectContaining({ kind: 'agents.conversations', keepDays: 90 }));
  await field.first().click();
  await page.getByRole('option', { name: 'For another number of days…' }).click();
  const days = page.getByRole('textbox', { name: 'Days', exact: true });
  await days.and(page.locator(':focus')).waitFor(); // who chose that may type at once
  await days.press('ControlOrMeta+a');
  await days.pressSequentially('120');
  await days.press('Enter'); // longer than before: nothing is deleted, so nothing is asked
  await expect.poll(() => field.first().inputValue()).toBe('For 120 days');
});

test('[K16.2] who is the only owner of what others belong to is told which organisation, and is led to its members', async () => {
  const person = await end.server.secondTenant();
  const team = await createTeam(person, 'Rudderless');
  await addMember(end.server, team, 'member');
  const owner = await openAs(person, '/settings/data');
  const { page } = owner;
  await page.getByRole('button', { name: 'Delete my account…' }).click();
  await page
    .getByRole('dialog', { name: 'Delete your account?' })
    .getByRole('button', { name: 'Delete my account' })
    .click();
  await page.getByText('Others would be left without an owner').waitFor();
  await expectClean(owner, 'data-sole-owner');
  await page.getByRole('button', { name: 'Go to its members: Rudderless' }).click();
  await page.waitForURL('**/settings/members');
  await page.getByRole('list', { name: 'Members' }).waitFor();
  await owner.context.close();
});

test('[K16.2] an organisation is deleted after typing its name; its people see it on every page, and an owner takes it back', async () => {
  const person = await end.server.secondTenant();
  const team = await createTeam(person, 'Titanic');
  const member = await openAs(await addMember(end.server, team, 'member'), '/');
  const owner = await openAs(person, '/settings/data');
  const { page } = owner;
  await page.getByRole('button', { name: 'Delete the organisation…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete Titanic?' });
  await dialog.getByLabel(/^Type “Titanic”/).fill('titanic');
  await dialog.getByRole('button', { name: 'Delete the organisation' }).click();
  await dialog.getByText('not the name of the organisation').waitFor();
  await expectClean(owner, 'data-organisation-name');
  await dialog.getByLabel(/^Type “Titanic”/).fill('Titanic');
  await dialog.getByLabel(/^Type “Titanic”/).press('Enter');
  await page
    .getByText(/^Titanic will be deleted on \d/)
    .first()
    .waitFor();
  await expectClean(owner, 'data-organisation-asked');
  await member.page.goto('/agents');
  await banner(member).getByText('Its owners can take it back.').waitFor();
  expect(await banner(member).getByRole('button').count()).toBe(0);
  await page.goto('/');
  await banner(owner).getByRole('button', { name: 'Keep the organisation' }).click();
  await banner(owner).waitFor({ state: 'detached' });
  await page.goto('/settings/data');
  await page.getByRole('button', { name: 'Delete the organisation…' }).waitFor();
  expect((await person.client.expect(200, 'GET /organisation/deletion')).json).toMatchObject({ deletion: null });

  await person.client.expect(202, 'POST /organisation/deletion', { body: { name: 'Titanic' } });
  await member.page.clock.install();
  await member.page.goto('/agents');
  await banner(member).waitFor();
  await makeDueAndErase();
  await member.page.clock.fastForward(8 * 86_400_000);
  await member.page.waitForURL('**/deleted/*');
  await member.page.getByText('The people who belonged to it keep their accounts').waitFor();
  await member.page.getByRole('link', { name: 'Go on' }).click();
  await member.page.waitForURL('**/sign-in*');
  await member.context.close();
  await owner.context.close();
});

test('[K16.2] an account is deleted when its day comes, not when somebody changed their mind; then a certificate says what was', async () => {
  const { page } = tab;
  // Somebody else runs the server as well: who alone does cannot leave.
  await end.server.services.db.withAuth((tx) => tx.query({ text: 'update auth.users set is_operator = true' }));
  const ask = async () => {
    await page.goto('/settings/data');
    await page.getByRole('button', { name: 'Delete my account…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete your account?' });
    await dialog.getByRole('button', { name: 'Delete my account' }).click();
    await page.getByRole('alert', { name: /^Your account will be deleted on .*\d\d:\d\d/ }).waitFor();
  };
  await ask();
  await expectClean(tab, 'data-account-asked');
  await page.goto('/');
  await banner(tab)
    .getByText(/^Your account will be deleted on/)
    .waitFor();
  await expectClean(tab, 'data-banner');
  await banner(tab).getByRole('button', { name: 'Keep my account' }).click();
  await page.getByText('Your account stays.').waitFor();
  await banner(tab).waitFor({ state: 'detached' });

  await ask();
  await page.getByRole('link', { name: 'the certificate of deletion' }).click();
  await page.getByRole('heading', { name: 'No certificate here yet' }).waitFor();
  await page.getByText(/The deletion is carried out on/).waitFor();
  await expectClean(tab, 'certificate-before');
  const address = page.url();
  // A page that is left open until the day shows the certificate by itself: nobody is asked to sign in again.
  await page.clock.install();
  await page.goto('/');
  await banner(tab).waitFor();
  await makeDueAndErase();
  await page.clock.fastForward(8 * 86_400_000);
  await page.waitForURL(address);
  await page.getByRole('heading', { name: 'Certificate of deletion' }).waitFor();
  await page.goto('/');
  await page.waitForURL('**/sign-in*');

  const anybody = await end.openTab();
  await anybody.page.goto(address);
  await anybody.page.getByRole('heading', { name: 'Certificate of deletion' }).waitFor();
  await anybody.page.getByText(/\d+ in \d+ tables/).waitFor();
  const messages = anybody.page.getByRole('region', { name: 'Agents' }).getByText('Messages');
  await messages.waitFor();
  await expectClean(anybody, 'certificate');
  await anybody.page.emulateMedia({ media: 'print' });
  expect(await anybody.page.getByRole('button', { name: 'Print' }).isVisible()).toBe(false);
  await anybody.context.close();
});
