/** The audit trail as owners read, export and check it; nobody else does, and nobody sees another organisation's. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import type { Answer } from '#testing/client';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import { chainHash, digestUnder, zeroHash } from './record-digest.ts';

let server: TestServer;
let owner: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  server = await startTestServer({ apps: [], environment: { LIMITS: 'audit.export=1000/60,audit.verify=1000/60' } });
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

/** record writes records of the tenant as a signed-in act would. */
async function record({ principal }: Tenant, ...acts: readonly { action: string; resource: string }[]): Promise<void> {
  const { db, audit } = server.services;
  for (const act of acts) {
    await db.withTenant(principal, (tx) =>
      audit.record(tx, {
        ...act,
        actor: principal,
        tenantId: principal.tenantId,
        address: '192.0.2.7',
        device: 'Lynx',
      }),
    );
  }
}

const list = async (query = '', tenant = owner): Promise<Answer> =>
  tenant.client.expect(200, `GET /audit-records${query}`);
/** download reads an export whole, as text. */
async function download(query: string, { client } = owner): Promise<{ headers: Headers; text: string }> {
  const response = await client.open(`GET /audit-records/export${query}`);
  expect(response.status).toBe(200);
  return { headers: response.headers, text: await response.text() };
}

const actionsOf = (answer: Answer): string[] => answer.json.items.map((item: { action: string }) => item.action);

test('[K7.2] the trail is listed newest first: who, how, what, where, with what, in which request, at which place', async () => {
  const name = await owner.client.expect(200, 'PATCH /profile', {
    body: { name: 'Ada King' },
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
  });
  const answer = await list();
  expect(answer.json.items[0]).toEqual({
    id: expect.any(String),
    sequence: answer.json.items.length,
    occurredAt: expect.any(String),
    action: expect.stringMatching(/^auth\./),
    resource: expect.any(String),
    details: expect.any(Object),
    actor: {
      kind: 'session',
      userId: owner.principal.userId,
      name: 'Ada King',
      via: owner.principal.via.kind === 'session' ? owner.principal.via.sessionId : '',
    },
    address: '127.0.0.1',
    device: 'Firefox on Linux',
    requestId: name.headers.get('x-request-id'),
    anonymised: null,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('[K7.2] pages follow each other without gap or repetition while records are added', async () => {
  await record(owner, ...Array.from({ length: 7 }, (_, i) => ({ action: 'paged.a.b', resource: `x:${i}` })));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const answer: Answer = await list(`?action=paged.&limit=3${cursor ? `&cursor=${cursor}` : ''}`);
    seen.push(...answer.json.items.map((item: { resource: string }) => item.resource));
    cursor = answer.json.nextCursor;
    await record(owner, { action: 'paged.a.b', resource: 'x:late' });
  } while (cursor);
  expect(seen).toEqual(['x:6', 'x:5', 'x:4', 'x:3', 'x:2', 'x:1', 'x:0']);
  await owner.client.expect(400, 'GET /audit-records?cursor=abc');
  await owner.client.expect(400, 'GET /audit-actors?cursor=abc');
});

test('[K7.2] filters by action, resource, person, means and time narrow the list, and take every text literally', async () => {
  const start = new Date().toISOString();
  await record(
    owner,
    { action: 'filter.one.a', resource: 'thing:1' },
    { action: 'filter.two.a', resource: 'thing:2' },
    { action: 'filter.two.b', resource: 'thing_x:2' },
  );
  expect(actionsOf(await list('?action=filter.'))).toEqual(['filter.two.b', 'filter.two.a', 'filter.one.a']);
  expect(actionsOf(await list('?action=filter.two'))).toEqual(['filter.two.b', 'filter.two.a']);
  expect(actionsOf(await list('?action=filter.&resource=thing%3A2'))).toEqual(['filter.two.a']);
  expect(actionsOf(await list('?resource=thing_'))).toEqual(['filter.two.b']);
  expect(actionsOf(await list('?action=%25'))).toEqual([]);
  expect(actionsOf(await list(`?action=filter.&from=${start}`))).toHaveLength(3);
  expect(actionsOf(await list(`?action=filter.&to=${start}`))).toEqual([]);
  expect(actionsOf(await list(`?action=filter.&actorUserId=${owner.principal.userId}`))).toHaveLength(3);
  expect(actionsOf(await list(`?actorUserId=${newId()}`))).toEqual([]);
  expect(actionsOf(await list('?action=filter.&actorKind=system'))).toEqual([]);
  await owner.client.expect(400, 'GET /audit-records?actorKind=ghost');
  await owner.client.expect(400, 'GET /audit-records?from=yesterday');
  await owner.client.expect(400, 'GET /audit-records?colour=red');
});

test('[K7.2] people appear by name, and one whose account is gone is still told apart', async () => {
  const gone = { ...owner, principal: { ...owner.principal, userId: newId() } };
  await record(gone, { action: 'people.a.b', resource: 'x:1' });
  const [item] = (await list('?action=people.')).json.items;
  expect(item.actor).toMatchObject({ userId: gone.principal.userId, name: null });
  const actors = await owner.client.expect(200, 'GET /audit-actors');
  expect(actors.json.items).toContainEqual({ userId: gone.principal.userId, name: null });
  expect(actors.json.items).toContainEqual({ userId: owner.principal.userId, name: 'Ada King' });
  const first = await owner.client.expect(200, 'GET /audit-actors?limit=1');
  const second = await owner.client.expect(200, `GET /audit-actors?limit=1&cursor=${first.json.nextCursor}`);
  expect(second.json.items[0].userId > first.json.items[0].userId).toBe(true);
});

test('[K7.2] an NDJSON export holds what is needed to recompute the chain, and is recorded itself', async () => {
  const answer = await download('?format=ndjson');
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-[\d-]+\.ndjson"$/);
  const records = answer.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  let hash: Buffer = zeroHash;
  for (const [index, { hash: claimed, sequence, salt, ...facts }] of records.entries()) {
    expect([sequence, facts.form, facts.seals]).toEqual([index + 1, 3, null]);
    hash = chainHash(hash, BigInt(sequence), digestUnder(Buffer.from(salt, 'hex'), facts));
    expect(claimed).toBe(hash.toString('hex'));
  }
  expect(records.at(-1)).toMatchObject({ action: 'audit.record.export', details: { format: 'ndjson', filters: '' } });
});

test('[K7.2] a CSV export is neutral for spreadsheets and keeps every character', async () => {
  const evil = ['=HYPERLINK("http://evil.example")', '+1', '-1', '@SUM(A1)', '\ttab', 'a"b,c\r\nd'];
  await record(owner, ...evil.map((resource) => ({ action: 'csv.a.b', resource })));
  const answer = await download('?format=csv&action=csv.');
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  const [head, ...rows] = answer.text.split(/\r\n(?=\d|$)/);
  expect(head).toMatch(/^sequence,occurredAt,action,resource,actorKind,actorName,/);
  expect(rows.filter(Boolean).map((row) => /csv\.a\.b,(.+),session,/s.exec(row)?.[1])).toEqual([
    `"'=HYPERLINK(""http://evil.example"")"`,
    `'+1`,
    `'-1`,
    `'@SUM(A1)`,
    `'\ttab`,
    '"a""b,c\r\nd"',
  ]);
});

test('[K7.2] an export is longer than a batch, comes in order, and may be broken off', async () => {
  const { principal } = stranger;
  const { db, audit } = server.services;
  await db.withTenant(principal, async (tx) => {
    for (let i = 0; i < 1_250; i += 1)
      await audit.record(tx, {
        action: 'long.a.b',
        resource: `x:${i}`,
        actor: principal,
        tenantId: principal.tenantId,
      });
  });
  const answer = await download('?format=ndjson&action=long.', stranger);
  const resources = answer.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).resource as string);
  expect(resources).toEqual(Array.from({ length: 1_250 }, (_, i) => `x:${i}`));
  const controller = new AbortController();
  const response = await stranger.client.open('GET /audit-records/export', { signal: controller.signal });
  await response.body?.getReader().read();
  controller.abort();
  await list('', stranger);
});

test('[K7.2] the chain is checked on demand, with progress, and a change is found', async () => {
  const whole = await stranger.client.expect(200, 'GET /audit-records/verification');
  expect(whole.json).toMatchObject({ brokenAt: null, reason: null, prunedThrough: null });
  const stream = await stranger.client.expect(200, 'GET /audit-records/verification', {
    headers: { accept: 'text/event-stream' },
  });
  const events = [...stream.text.matchAll(/^event: (\w+)\ndata: (.+)$/gm)].map(([, event, data]) => [
    event,
    JSON.parse(data ?? ''),
  ]);
  expect(events.length).toBeGreaterThan(2);
  expect(events[0]).toEqual(['progress', { checked: 1_000, total: whole.json.checked }]);
  expect(events.at(-1)).toEqual(['done', whole.json]);
  await asAdmin(
    server.database,
    (query) =>
      query(`update kernel.audit_records set address = '192.0.2.9' where tenant_id = $1 and sequence = 40`, [
        stranger.principal.tenantId,
      ]),
    { ignoreTriggers: true },
  );
  const broken = await stranger.client.expect(200, 'GET /audit-records/verification');
  expect(broken.json).toEqual({ checked: 39, brokenAt: 40, reason: 'changed', anonymised: 0, prunedThrough: null });
});

test('[K3.2] [K7.2] an organisation sees, exports and verifies its own trail only', async () => {
  await record(owner, { action: 'mine.a.b', resource: 'secret:1' });
  expect(actionsOf(await list('?action=mine.', stranger))).toEqual([]);
  const exported = await download('?format=ndjson', stranger);
  expect(exported.text).not.toContain('secret:1');
  expect(exported.text).not.toContain(owner.principal.tenantId);
});
