/** The audit trail is written with the act, by every role, and shows any later change. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Principal } from '#kernel/auth';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createAuditLog, type AuditEntry, type AuditLog } from './index.ts';

let ground: TestDatabase;
let audit: AuditLog;

beforeAll(async () => {
  ground = await createTestDatabase();
  audit = createAuditLog({ db: ground.db });
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

function newPrincipal(): Principal {
  return {
    userId: newId(),
    tenantId: newId(),
    role: 'owner',
    via: { kind: 'session', sessionId: newId(), provedAt: 0 },
  };
}

function entryOf(actor: Principal, more: Partial<AuditEntry> = {}): AuditEntry {
  return { action: 'agents.agent.create', resource: `agent:${newId()}`, actor, tenantId: actor.tenantId, ...more };
}

async function recordMany(actor: Principal, count: number): Promise<void> {
  await ground.db.withTenant(actor, async (tx) => {
    for (let i = 1; i <= count; i += 1)
      await audit.record(tx, entryOf(actor, { resource: `agent:${i}`, details: { number: i } }));
  });
}

const tamper = (sql: string, values: readonly unknown[]) =>
  asAdmin(ground, (query) => query(sql, values), { ignoreTriggers: true });

test('[K7.2] a record says who, how, what, on which resource, from where and in which request', async () => {
  const actor = newPrincipal();
  const entry = entryOf(actor, {
    details: { model: 'small', tokens: 12.5, isPublic: false, note: null },
    address: '192.0.2.1',
    requestId: 'req-1',
  });
  await ground.db.withTenant(actor, (tx) => audit.record(tx, entry));
  const rows = await ground.db.withTenant(actor, (tx) =>
    tx.query({ text: 'select * from kernel.audit_records where tenant_id = $1', values: [actor.tenantId] }),
  );
  expect(rows).toEqual([
    expect.objectContaining({
      tenant_id: actor.tenantId,
      sequence: '1',
      action: entry.action,
      resource: entry.resource,
      details: entry.details,
      actor_kind: 'session',
      actor_user_id: actor.userId,
      address: '192.0.2.1',
      request_id: 'req-1',
      actor_via: actor.via.kind === 'session' ? actor.via.sessionId : '',
    }),
  ]);
});

test('[K7.2] an act that is rolled back leaves no record and no gap', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 2);
  const failing = ground.db.withTenant(actor, async (tx) => {
    await audit.record(tx, entryOf(actor));
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  await recordMany(actor, 1);
  expect(await audit.verify(actor)).toEqual({ checked: 3, brokenAt: null });
});

test('[K7.2] requests, system work and sign-ins all append to the same chain', async () => {
  const actor = newPrincipal();
  const system = { kind: 'system', reason: 'retention' } as const;
  await recordMany(actor, 1);
  await ground.db.withSystem('test', (tx) => audit.record(tx, entryOf(actor, { actor: system })));
  await ground.db.withAuth((tx) => audit.record(tx, entryOf(actor, { action: 'auth.session.create' })));
  const run = { ...actor, via: { kind: 'run', runId: newId() } } as const;
  await ground.db.withTenant(actor, (tx) => audit.record(tx, entryOf(run)));
  expect(await audit.verify(actor)).toEqual({ checked: 4, brokenAt: null });
});

test('[K7.2] 60 writers at once on one organisation make one whole chain', async () => {
  const actor = newPrincipal();
  await Promise.all(
    Array.from({ length: 60 }, () => ground.db.withTenant(actor, (tx) => audit.record(tx, entryOf(actor)))),
  );
  expect(await audit.verify(actor)).toEqual({ checked: 60, brokenAt: null });
});

test('[K7.2] texts and numbers that a database cannot hold as they are do not break the act or the chain', async () => {
  const actor = newPrincipal();
  const odd = {
    nul: 'a\0b',
    half: 'x\ud800y',
    long: 'é'.repeat(50_000),
    infinite: Infinity,
    tiny: 5e-324,
    huge: 1e300,
    zero: -0,
    ['__proto__']: 'p',
    ['ключ"']: '\u2028',
  };
  await ground.db.withTenant(actor, (tx) =>
    audit.record(tx, entryOf(actor, { resource: 'agent:\0\udfff', details: odd })),
  );
  expect(await audit.verify(actor)).toEqual({ checked: 1, brokenAt: null });
});

test('[K7.2] a resource too long for an index is cut, and the act goes through', async () => {
  const actor = newPrincipal();
  const letters = Array.from({ length: 3_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7_919) % 20_000)));
  await ground.db.withTenant(actor, (tx) => audit.record(tx, entryOf(actor, { resource: `path:${letters.join('')}` })));
  expect(await audit.verify(actor)).toEqual({ checked: 1, brokenAt: null });
});

test.each([
  ['action', `action = 'agents.agent.delete'`],
  ['resource', `resource = 'agent:other'`],
  ['details', `details = '{"number": 4}'`],
  ['actor_kind', `actor_kind = 'system'`],
  ['actor_user_id', `actor_user_id = null`],
  ['actor_via', `actor_via = 'other'`],
  ['address', `address = '192.0.2.99'`],
  ['request_id', `request_id = 'req-9'`],
  ['device', `device = 'Lynx on BeOS'`],
  ['occurred_at', `occurred_at = occurred_at + interval '1 millisecond'`],
  ['id', `id = gen_random_uuid()`],
  ['salt', `salt = sha256('x')`],
  ['form', `form = 2, salt = null`],
  ['hash', `hash = sha256('x')`],
])('[K7.2] verification finds a changed %s', async (_column, change) => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await tamper(`update kernel.audit_records set ${change} where tenant_id = $1 and sequence = 3`, [actor.tenantId]);
  expect(await audit.verify(actor)).toEqual({ checked: 2, brokenAt: '3', reason: 'changed' });
});

test('[K7.2] verification finds a deleted record', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await tamper('delete from kernel.audit_records where tenant_id = $1 and sequence = 3', [actor.tenantId]);
  expect(await audit.verify(actor)).toEqual({ checked: 2, brokenAt: '3', reason: 'missing' });
});

test('[K7.2] verification finds a deleted record even when the later ones are renumbered', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await tamper('delete from kernel.audit_records where tenant_id = $1 and sequence = 3', [actor.tenantId]);
  await tamper('update kernel.audit_records set sequence = 3 where tenant_id = $1 and sequence = 4', [actor.tenantId]);
  await tamper('update kernel.audit_records set sequence = 4 where tenant_id = $1 and sequence = 5', [actor.tenantId]);
  expect(await audit.verify(actor)).toEqual({ checked: 2, brokenAt: '3', reason: 'changed' });
});

test.each([1, 5])('[K7.2] verification finds that the last %i of 5 records are gone', async (gone) => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await tamper('delete from kernel.audit_records where tenant_id = $1 and sequence > $2', [actor.tenantId, 5 - gone]);
  expect(await audit.verify(actor)).toEqual({ checked: 5 - gone, brokenAt: String(6 - gone), reason: 'truncated' });
});

test('[K7.2] verification finds a truncation whose head was set back with a made-up hash', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await tamper('delete from kernel.audit_records where tenant_id = $1 and sequence > 3', [actor.tenantId]);
  await tamper(`update kernel.audit_heads set sequence = 3, hash = sha256('x') where tenant_id = $1`, [actor.tenantId]);
  expect(await audit.verify(actor)).toEqual({ checked: 3, brokenAt: '3', reason: 'changed' });
});

test("[K7.2] verification finds two records in each other's place", async () => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  for (const [from, to] of [
    [2, 1_000],
    [4, 2],
    [1_000, 4],
  ]) {
    await tamper('update kernel.audit_records set sequence = $3 where tenant_id = $1 and sequence = $2', [
      actor.tenantId,
      from,
      to,
    ]);
  }
  expect(await audit.verify(actor)).toEqual({ checked: 1, brokenAt: '2', reason: 'changed' });
});

test('[K7.2] verification finds a record slipped in behind the end, which the request role itself could write', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await ground.db.withTenant(actor, (tx) =>
    tx.query({
      text: `insert into kernel.audit_records (id, tenant_id, sequence, occurred_at, action, resource, details, actor_kind, actor_via, form, hash)
             values ($1, $2, 6, now(), 'a.b.c', 'x:y', '{}', 'system', 'forged', 2, sha256('x'))`,
      values: [newId(), actor.tenantId],
    }),
  );
  const verdict = await audit.verify(actor);
  expect(verdict).toMatchObject({ checked: 5, brokenAt: '6' });
});

test('[K7.2] verification finds a record slipped in between, with all later ones moved up', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 3);
  for (const from of [3, 2]) {
    await tamper('update kernel.audit_records set sequence = $3 where tenant_id = $1 and sequence = $2', [
      actor.tenantId,
      from,
      from + 1,
    ]);
  }
  await tamper(
    `insert into kernel.audit_records (id, tenant_id, sequence, occurred_at, action, resource, details, actor_kind, actor_via, form, hash)
     values ($1, $2, 2, now(), 'a.b.c', 'x:y', '{}', 'system', 'forged', 2, sha256('x'))`,
    [newId(), actor.tenantId],
  );
  expect(await audit.verify(actor)).toEqual({ checked: 1, brokenAt: '2', reason: 'changed' });
});

test('[K7.2] a chain longer than a batch is walked whole, while records are being added', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 1_205);
  const adding = Promise.all(Array.from({ length: 20 }, () => recordMany(actor, 1)));
  const verdict = await audit.verify(actor);
  await adding;
  expect(verdict.brokenAt).toBeNull();
  expect(verdict.checked).toBeGreaterThanOrEqual(1_205);
  expect(await audit.verify(actor)).toEqual({ checked: 1_225, brokenAt: null });
});

test('[K7.2] verification of all organisations names the broken ones', async () => {
  const [whole, broken, headless] = [newPrincipal(), newPrincipal(), newPrincipal()];
  await Promise.all([recordMany(whole, 2), recordMany(broken, 2), recordMany(headless, 2)]);
  await tamper('update kernel.audit_records set details = $2 where tenant_id = $1 and sequence = 1', [
    broken.tenantId,
    '{}',
  ]);
  await tamper('delete from kernel.audit_heads where tenant_id = $1', [headless.tenantId]);
  const verdicts = new Map<string, unknown>();
  for await (const { tenantId, ...verdict } of audit.verifyAll()) verdicts.set(tenantId, verdict);
  expect(verdicts.get(whole.tenantId)).toEqual({ checked: 2, brokenAt: null });
  expect(verdicts.get(broken.tenantId)).toEqual({ checked: 0, brokenAt: '1', reason: 'changed' });
  expect(verdicts.get(headless.tenantId)).toMatchObject({ brokenAt: '1' });
});

test.each([
  `update kernel.audit_records set action = 'x'`,
  'delete from kernel.audit_records',
  'truncate kernel.audit_records',
  'delete from kernel.audit_heads',
])('[K7.2] nobody changes the trail by accident: %s', async (sql) => {
  const actor = newPrincipal();
  await recordMany(actor, 1);
  await expect(ground.db.withTenant(actor, (tx) => tx.query({ text: sql }))).rejects.toThrow(/permission denied/);
  await expect(ground.db.withSystem('test', (tx) => tx.query({ text: sql }))).rejects.toThrow(/permission denied/);
  await expect(ground.db.withAuth((tx) => tx.query({ text: sql }))).rejects.toThrow(/permission denied/);
  await expect(asAdmin(ground, (query) => query(sql))).rejects.toThrow(/append-only/);
});

test('[K7.2] the head of a chain cannot be set back by the request role', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 3);
  const setting = ground.db.withTenant(actor, (tx) => tx.query({ text: 'update kernel.audit_heads set sequence = 1' }));
  await expect(setting).rejects.toThrow(/moves on by one/);
});

test('[K3.2] an organisation neither sees nor extends the trail of another', async () => {
  const [one, other] = [newPrincipal(), newPrincipal()];
  await recordMany(one, 1);
  const seen = await ground.db.withTenant(other, (tx) => tx.query({ text: 'select id from kernel.audit_records' }));
  expect(seen).toEqual([]);
  const writing = ground.db.withTenant(other, (tx) => audit.record(tx, entryOf(one)));
  await expect(writing).rejects.toThrow(/row-level security/);
});
