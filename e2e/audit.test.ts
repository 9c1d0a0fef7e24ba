/** The audit page in a real browser: reading, narrowing, opening a record, exporting and verifying the chain. */
import { readFile } from 'node:fs/promises';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import { strongPassword, type Tenant } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devices, hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let owner: Tenant;
let tab: Tab;

beforeAll(async () => {
  end = await startEndToEnd({ environment: { LIMITS: 'audit.verify=1000/60' } });
  owner = await end.server.signUpOwner();
  await recordMany();
  tab = await end.openTab();
  await tab.page.goto('/sign-in?next=/settings/audit');
  await tab.page.getByLabel('E-mail or username').fill('ada@example.com');
  await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await tab.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await tab.page.getByRole('heading', { name: 'Audit trail', level: 1 }).waitFor();
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

/** recordMany writes what an organisation of some age would have. */
async function recordMany(): Promise<void> {
  const { db, audit } = end.server.services;
  const { principal } = owner;
  const gone = { ...principal, userId: newId(), via: { kind: 'key' as const, keyId: newId(), requestsPerMinute: 60 } };
  const act = (action: string, resource: string, actor: typeof principal | typeof gone = principal) => ({
    action,
    resource,
    actor,
    tenantId: principal.tenantId,
    address: '192.0.2.7',
    device: 'Firefox on Linux',
    requestId: `req-${resource.slice(-6)}`,
    details: { model: 'small', isPublic: false, passages: 12 },
  });
  const acts = [
    ...Array.from({ length: 60 }, () => act('agents.agent.update', `agent:${newId()}`)),
    ...Array.from({ length: 4 }, () => act('agents.document.create', `document:${newId()}`, gone)),
    act('models.connection.create', `model-connection:${newId()}`),
  ];
  for (const entry of acts) await db.withTenant(principal, (tx) => audit.record(tx, entry));
}

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

const actionFilter = () => tab.page.getByRole('combobox', { name: 'Action', exact: true });
const rows = () => tab.page.getByRole('list', { name: 'Audit records' }).getByRole('listitem');

test('[K7.2] the trail is listed newest first, and goes on where the page ends', async () => {
  const { page } = tab;
  await rows().first().waitFor();
  await expect.poll(() => rows().count()).toBe(50);
  await expectClean('audit-list');
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect.poll(() => rows().count()).toBeGreaterThan(60);
});

test('[K7.2] filters narrow the list, stay in the address over a reload, and can be cleared', async () => {
  const { page } = tab;
  await actionFilter().fill('agents.document');
  await expect.poll(() => rows().count()).toBe(4);
  await page.reload();
  await expect.poll(() => rows().count()).toBe(4);
  expect(page.url()).toContain('action=agents.document');
  await page.getByRole('combobox', { name: 'How' }).click();
  await page.getByRole('option', { name: 'API key' }).click();
  await expect.poll(() => rows().count()).toBe(4);
  await expectClean('audit-filtered');
  await page.setViewportSize(devices.phone);
  await actionFilter().waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Filters (2)' }).click();
  await actionFilter().waitFor();
  await expectClean('audit-filters-open');
  await page.getByLabel('To', { exact: true }).fill('2001-01-01');
  await page.getByRole('heading', { name: 'No record fits' }).waitFor();
  await expectClean('audit-empty');
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect.poll(() => rows().count()).toBe(50);
  await expect.poll(() => actionFilter().inputValue()).toBe('');
});

test('[K7.2] actions are shown and chosen by what they are called, with their ids beside it', async () => {
  const { page } = tab;
  await rows().filter({ hasText: 'Agent changed' }).first().getByText('agents.agent.update · agent:').waitFor();
  await actionFilter().fill('uploaded');
  await page.getByRole('option', { name: 'Document uploaded agents.document.create' }).waitFor();
  await expect.poll(() => page.getByRole('option').count()).toBe(1);
  await expectClean('audit-actions');
  // Whoever looks for a name has not narrowed the list yet.
  expect(page.url()).not.toContain('action=');
  await page.getByRole('option').click();
  await expect.poll(() => rows().count()).toBe(4);
  expect(page.url()).toContain('action=agents.document.create');
  expect(await rows().first().getByText('Document uploaded', { exact: true }).count()).toBe(1);
  await rows().first().getByRole('button').click();
  const drawer = page.getByRole('dialog', { name: 'Audit record' });
  await drawer.getByText('Document uploaded', { exact: true }).waitFor();
  await drawer.getByText('agents.document.create', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await expect.poll(() => rows().count()).toBe(50);
});

test('[K7.2] what was typed just before clearing is not applied after it', async () => {
  const page = await tab.context.newPage();
  await page.clock.install();
  await page.goto('/settings/audit?actorKind=key');
  const list = page.getByRole('list', { name: 'Audit records' }).getByRole('listitem');
  await expect.poll(() => list.count()).toBe(4);
  await page.getByLabel('Resource', { exact: true }).fill('nothing:like-this');
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.clock.runFor(2_000); // longer than typing has to rest
  await expect.poll(() => list.count()).toBe(50);
  expect(new URL(page.url()).search).toBe('');
  expect(await page.getByLabel('Resource', { exact: true }).inputValue()).toBe('');
  await page.close();
});

test('[K7.2] a record opens with all it says, and leads to what belongs together', async () => {
  const { page } = tab;
  await actionFilter().fill('agents.document');
  await expect.poll(() => rows().count()).toBe(4);
  await rows().first().getByRole('button').click();
  const drawer = page.getByRole('dialog', { name: 'Audit record' });
  for (const text of ['Deleted account', 'API key', '192.0.2.7', 'Firefox on Linux', 'passages'])
    await drawer.getByText(text, { exact: true }).waitFor();
  expect(await drawer.getByText(/^[0-9a-f]{64}$/).count()).toBe(1);
  await expectClean('audit-drawer');
  await drawer.getByRole('button', { name: 'All of this resource' }).click();
  await drawer.waitFor({ state: 'detached' });
  await expect.poll(() => rows().count()).toBe(1);
  await expect.poll(() => page.getByLabel('Resource', { exact: true }).inputValue()).toMatch(/^document:/);
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
});

test('[K7.2] the export is a download of what the filters leave', async () => {
  const { page } = tab;
  await actionFilter().fill('models.');
  await expect.poll(() => rows().count()).toBe(1);
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByText('The records that fit the filters').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: /^CSV/ }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^audit-[\d-]+\.csv$/);
  const text = await readFile(await download.path(), 'utf8');
  expect(text.trim().split('\r\n')).toHaveLength(2);
  expect(text).toContain('models.connection.create');
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
});

test('[K16.2] who was erased is a deleted person, in records that otherwise say what they said', async () => {
  const { page } = tab;
  const { services } = end.server;
  const { tenantId } = owner.principal;
  const { principal } = await end.server.secondTenant();
  const far = { tenantId, address: '192.0.2.99', device: 'Lynx on BeOS' };
  const acts = [
    { ...far, action: 'erased.by.them', resource: 'agent:1', actor: principal, details: { passages: 3 } },
    { ...far, action: 'erased.of.them', resource: `user:${principal.userId}`, actor: owner.principal },
  ];
  for (const entry of acts) await services.db.withSystem('test', (tx) => services.audit.record(tx, entry));
  await services.db.withSystem('test', (tx) =>
    tx.query({
      text: `insert into kernel.erasures (id, kind, subject_id, certificate_id, due_at)
             values ($1, 'person', $2, gen_random_uuid(), now() - interval '1 second')`,
      values: [newId(), principal.userId],
    }),
  );
  await services.rights.erase(services);
  // The server looks every minute by itself: whoever comes first, the person is gone.
  const left = () => asAdmin(end.server.database, (query) => query('select id from kernel.erasures'));
  await expect.poll(left).toEqual([]);
  await actionFilter().fill('erased.');
  await expect.poll(() => rows().count()).toBe(2);
  await rows().first().getByText('user: a deleted person').waitFor();
  await rows().last().getByText('A deleted person').waitFor();
  await rows().last().getByRole('button').click();
  const drawer = page.getByRole('dialog', { name: 'Audit record' });
  for (const text of ['A deleted person', 'agent:1', 'passages', 'Anonymised'])
    await drawer.getByText(text, { exact: true }).waitFor();
  expect(await drawer.getByText('Taken out', { exact: true }).count()).toBe(3);
  await expectClean('audit-anonymised');
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.getByRole('button', { name: 'Verify chain' }).click();
  await page.getByText(/Out of 2 of them a person was taken whose account was deleted/).waitFor();
});

test('[K7.2] verifying says that the chain is whole, and after a change which record is not', async () => {
  const { page } = tab;
  await page.getByRole('button', { name: 'Verify chain' }).click();
  await page.getByText('The chain is whole').waitFor();
  await expectClean('audit-whole');
  await asAdmin(
    end.server.database,
    (query) =>
      query(`update kernel.audit_records set address = '192.0.2.8' where tenant_id = $1 and sequence = 20`, [
        owner.principal.tenantId,
      ]),
    { ignoreTriggers: true },
  );
  await page.getByRole('button', { name: 'Verify chain' }).click();
  await page.getByText('Record 20 is not what was written.').waitFor();
  await expectClean('audit-broken');
});
