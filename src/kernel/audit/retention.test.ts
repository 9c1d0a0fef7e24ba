/** Retention removes the beginning of a trail and nothing else, and what remains shows any other change as before. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Principal } from '#kernel/auth';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createAuditLog, type AuditLog, type PruneResult } from './index.ts';

let ground: TestDatabase;
let audit: AuditLog;

beforeAll(async () => {
  ground = await createTestDatabase();
  audit = createAuditLog({ db: ground.db });
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

const dayMilliseconds = 86_400_000;
const monthAgo = new Date(Date.now() - 30 * dayMilliseconds);

function newPrincipal(): Principal {
  const via = { kind: 'session', sessionId: newId(), provedAt: 0 } as const;
  return { userId: newId(), tenantId: newId(), role: 'owner', via };
}

async function recordMany(actor: Principal, count: number): Promise<void> {
  await ground.db.withTenant(actor, async (tx) => {
    for (let i = 1; i <= count; i += 1)
      await audit.record(tx, { action: 'a.b.c', resource: `x:${i}`, actor, tenantId: actor.tenantId });
  });
}

/** recordOld writes records as they would have been written long ago. */
async function recordOld(actor: Principal, count: number, daysAgo = 100): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - daysAgo * dayMilliseconds });
  try {
    await recordMany(actor, count);
  } finally {
    vi.useRealTimers();
  }
}

async function prune(before = monthAgo): Promise<PruneResult[]> {
  const results: PruneResult[] = [];
  for await (const result of audit.prune(before)) results.push(result);
  return results;
}

const tamper = (sql: string, values: readonly unknown[]) =>
  asAdmin(ground, (query) => query(sql, values), { ignoreTriggers: true });

const sequencesOf = async ({ tenantId }: Principal): Promise<string[]> => {
  const rows = await ground.db.withTenant({ tenantId }, (tx) =>
    tx.query<{ place: string }>({
      text: 'select r.sequence::text as place from kernel.audit_records r order by r.sequence',
    }),
  );
  return rows.map((row) => row.place);
};

test('[K7.2] retention removes the oldest records, says so in the trail, and the trail stays whole', async () => {
  const actor = newPrincipal();
  await recordOld(actor, 4);
  await recordMany(actor, 2);
  expect((await prune()).find(({ tenantId }) => tenantId === actor.tenantId)).toEqual({
    tenantId: actor.tenantId,
    records: 4,
    isBroken: false,
  });
  expect(await sequencesOf(actor)).toEqual(['5', '6', '7']);
  expect(await audit.verify(actor)).toEqual({ checked: 3, brokenAt: null, prunedThrough: '4' });
  const [record] = await ground.db.withTenant(actor, (tx) =>
    tx.query({ text: 'select action, actor_kind, actor_via, details from kernel.audit_records where sequence = 7' }),
  );
  expect(record).toEqual({
    action: 'audit.record.prune',
    actor_kind: 'system',
    actor_via: 'retention',
    details: {
      through: '4',
      records: 4,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      olderThan: monthAgo.toISOString(),
    },
  });
  expect((await prune()).map(({ tenantId }) => tenantId)).not.toContain(actor.tenantId);
  await recordMany(actor, 1);
  expect(await audit.verify(actor)).toEqual({ checked: 4, brokenAt: null, prunedThrough: '4' });
});

test('[K7.2] a record that is younger than its successors is kept with all that follow', async () => {
  const actor = newPrincipal();
  await recordOld(actor, 2);
  await recordMany(actor, 1);
  await recordOld(actor, 2);
  await recordMany(actor, 1);
  await prune();
  expect(await sequencesOf(actor)).toEqual(['3', '4', '5', '6', '7']);
  expect(await audit.verify(actor)).toMatchObject({ brokenAt: null });
});

test('[K7.2] the end of a trail is never removed, however old', async () => {
  const actor = newPrincipal();
  await recordOld(actor, 3);
  await prune();
  expect(await sequencesOf(actor)).toEqual(['3', '4']);
  expect(await audit.verify(actor)).toEqual({ checked: 2, brokenAt: null, prunedThrough: '2' });
});

test('[K7.2] a trail is removed from while it is verified and written to, and stays whole', async () => {
  const actor = newPrincipal();
  await recordOld(actor, 1_500);
  await recordMany(actor, 5);
  const [verdicts] = await Promise.all([
    Promise.all(Array.from({ length: 6 }, () => audit.verify(actor))),
    Promise.all(Array.from({ length: 20 }, () => recordMany(actor, 1))),
    prune(),
  ]);
  expect(verdicts.map(({ brokenAt }) => brokenAt)).toEqual(verdicts.map(() => null));
  expect(await audit.verify(actor)).toEqual({ checked: 26, brokenAt: null, prunedThrough: '1500' });
}, 30_000);

test('[K7.2] of a broken trail nothing is removed', async () => {
  const actor = newPrincipal();
  await recordOld(actor, 3);
  await recordMany(actor, 1);
  await tamper(`update kernel.audit_records set action = 'x' where tenant_id = $1 and sequence = 2`, [actor.tenantId]);
  expect((await prune()).find(({ tenantId }) => tenantId === actor.tenantId)).toEqual({
    tenantId: actor.tenantId,
    records: 0,
    isBroken: true,
  });
  expect(await sequencesOf(actor)).toHaveLength(4);
});

test.each([
  [
    'further records cut off with a moved beginning',
    [
      `delete from kernel.audit_records where tenant_id = $1 and sequence <= 6`,
      `update kernel.audit_anchors a set sequence = 6, hash = sha256('x') where tenant_id = $1`,
    ],
    'changed',
  ],
  [
    'the first remaining record deleted',
    ['delete from kernel.audit_records where tenant_id = $1 and sequence = 5'],
    'missing',
  ],
  ['the beginning forgotten', ['delete from kernel.audit_anchors where tenant_id = $1'], 'missing'],
  [
    'another hash of the beginning',
    [`update kernel.audit_anchors set hash = sha256('x') where tenant_id = $1`],
    'changed',
  ],
  ['all records gone but not the head', ['delete from kernel.audit_records where tenant_id = $1'], 'truncated'],
  [
    'the record of retention changed',
    [`update kernel.audit_records set details = '{}' where tenant_id = $1 and action = 'audit.record.prune'`],
    'changed',
  ],
] as const)('[K7.2] after retention verification still finds %s', async (_what, changes, reason) => {
  const actor = newPrincipal();
  await recordOld(actor, 4);
  await recordMany(actor, 4);
  await prune();
  expect(await audit.verify(actor)).toEqual({ checked: 5, brokenAt: null, prunedThrough: '4' });
  for (const change of changes) await tamper(change, [actor.tenantId]);
  expect(await audit.verify(actor)).toMatchObject({ brokenAt: expect.any(String), reason });
});

test('[K7.2] a beginning cut off with its fitting hash is found, because no record of retention vouches for it', async () => {
  const actor = newPrincipal();
  await recordMany(actor, 5);
  await tamper(
    `insert into kernel.audit_anchors (tenant_id, sequence, hash)
     select tenant_id, sequence, hash from kernel.audit_records where tenant_id = $1 and sequence = 3`,
    [actor.tenantId],
  );
  await tamper('delete from kernel.audit_records where tenant_id = $1 and sequence <= 3', [actor.tenantId]);
  expect(await audit.verify(actor)).toEqual({ checked: 2, brokenAt: '1', reason: 'missing' });
});

test.each([
  ['its head', ['delete from kernel.audit_heads where tenant_id = $1']],
  [
    'its head, with a record changed',
    [
      `update kernel.audit_records set action = 'x' where tenant_id = $1 and sequence = 6`,
      'delete from kernel.audit_heads where tenant_id = $1',
    ],
  ],
  [
    'all but its beginning',
    ['delete from kernel.audit_records where tenant_id = $1', 'delete from kernel.audit_heads where tenant_id = $1'],
  ],
] as const)(
  '[K7.2] verification of all does not pass by a trail that retention shortened and that lost %s',
  async (_what, changes) => {
    const actor = newPrincipal();
    await recordOld(actor, 4);
    await recordMany(actor, 4);
    await prune();
    for (const change of changes) await tamper(change, [actor.tenantId]);
    const found = [];
    for await (const verdict of audit.verifyAll()) if (verdict.tenantId === actor.tenantId) found.push(verdict);
    expect(found).toEqual([expect.objectContaining({ brokenAt: expect.any(String), reason: expect.any(String) })]);
  },
);

test('[K7.2] nobody but retention removes records: not by its setting, not the last week, not for requests', async () => {
  const actor = newPrincipal();
  await recordOld(actor, 3);
  const { db } = ground;
  const call = `select * from kernel.prune_audit_records('${actor.tenantId}', now() - interval '30 days', 10)`;
  await expect(db.withTenant(actor, (tx) => tx.query({ text: call }))).rejects.toThrow(/permission denied/);
  await expect(db.withAuth((tx) => tx.query({ text: call }))).rejects.toThrow(/permission denied/);
  const young = call.replace('30 days', '6 days');
  await expect(db.withSystem('test', (tx) => tx.query({ text: young }))).rejects.toThrow(/last seven days/);
  const asked = db.withSystem('test', async (tx) => {
    await tx.query({ text: `select set_config('kernel.audit_pruning', $1, true)`, values: [actor.tenantId] });
    await tx.query({ text: 'delete from kernel.audit_records' });
  });
  await expect(asked).rejects.toThrow(/permission denied/);
  for (const sql of ['delete from kernel.audit_anchors', `update kernel.audit_anchors set sequence = 1`]) {
    await expect(db.withSystem('test', (tx) => tx.query({ text: sql }))).rejects.toThrow(/permission denied/);
  }
  expect(await sequencesOf(actor)).toHaveLength(3);
});
