/** Who is erased is in no audit record any more, and the chain still shows every other change. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Principal } from '#kernel/auth';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createAuditLog, type Anonymised, type AuditEntry, type AuditLog } from './index.ts';

let ground: TestDatabase;
let audit: AuditLog;

beforeAll(async () => {
  ground = await createTestDatabase();
  audit = createAuditLog({ db: ground.db });
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

const admin = (sql: string, ...values: unknown[]) => asAdmin(ground, (query) => query(sql, values));
const tamper = (sql: string, ...values: unknown[]) =>
  asAdmin(ground, (query) => query(sql, values), { ignoreTriggers: true });

interface Person extends Principal {
  readonly email: string;
  /** Their personal organisation. */
  readonly home: string;
}

/** newPerson makes an account with a personal organisation, as a member of `tenantId`. */
async function newPerson(tenantId: string): Promise<Person> {
  const [userId, home] = [newId(), newId()];
  const email = `p_${userId.slice(-8)}+a.b@example.com`;
  await admin('insert into auth.users (id, name, email) values ($1, $2, $3)', userId, 'Somebody', email);
  await admin('insert into auth.organizations (id, name, personal_user_id) values ($1, $2, $3)', home, 'Home', userId);
  await admin('insert into auth.organizations (id, name) values ($1, $2) on conflict do nothing', tenantId, 'Team');
  for (const organisation of [home, tenantId])
    await admin(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'owner')`, organisation, userId);
  const via = { kind: 'session', sessionId: newId(), provedAt: 0 } as const;
  return { userId, tenantId, role: 'owner', via, email, home };
}

async function newTeam(): Promise<{ tenantId: string; stays: Person; goes: Person }> {
  const tenantId = newId();
  return { tenantId, stays: await newPerson(tenantId), goes: await newPerson(tenantId) };
}

const record = (actor: AuditEntry['actor'], tenantId: string, more: Partial<AuditEntry> = {}) =>
  ground.db.withSystem('test', (tx) =>
    audit.record(tx, {
      action: 'a.b.c',
      resource: 'x:1',
      actor,
      tenantId,
      address: '192.0.2.1',
      device: 'Lynx',
      ...more,
    }),
  );

const makeDue = ({ userId }: Person) =>
  admin(
    `insert into kernel.erasures (id, kind, subject_id, certificate_id, due_at)
     values (gen_random_uuid(), 'person', $1, gen_random_uuid(), now() - interval '1 second')`,
    userId,
  );

/** erase takes the person out as the erasure of an account does. */
async function erase(person: Person): Promise<Anonymised> {
  await makeDue(person);
  return ground.db.withSystem('test', async (tx) => {
    const anonymised = await audit.anonymise(tx, person.userId);
    await audit.recordAnonymised(tx, anonymised);
    return anonymised;
  });
}

const rowsOf = (tenantId: string) =>
  admin(
    'select r.*, r::text as text from kernel.audit_records r where tenant_id = $1 order by r.sequence',
    tenantId,
  ) as Promise<Record<string, unknown>[]>;

test('[K16.2] as actor, as what was acted on and within details a person goes, everybody else stays', async () => {
  const { tenantId, stays, goes } = await newTeam();
  await record(goes, tenantId, { details: { model: 'small', count: 3, isPublic: true } });
  await record(stays, tenantId, { resource: `user:${goes.userId}`, details: { role: 'viewer' } });
  await record(stays, tenantId, {
    details: { holder: goes.userId, to: `Mr <${goes.email.toUpperCase()}>`, kept: 'k' },
  });
  await record({ kind: 'system', reason: 'joined' }, tenantId, { resource: `user:${goes.userId}` });
  await record(stays, tenantId, { details: { organisationId: goes.home } });
  await record(stays, tenantId, {
    resource: `user:${stays.userId}`,
    details: { near: `x${goes.email}`, far: `${goes.email}.uk` },
  });
  const before = await rowsOf(tenantId);

  const anonymised = await erase(goes);
  expect(anonymised).toMatchObject({ kept: 0, at: expect.any(Date) });
  const rows = await rowsOf(tenantId);
  for (const trace of [goes.userId, goes.home, goes.via.kind === 'session' ? goes.via.sessionId : ''])
    expect(rows.filter(({ text }) => String(text).includes(trace))).toEqual([]);
  expect(rows.map(({ sequence: _s, text: _t, hash: _h, salt: _a, seals: _e, ...row }) => row)).toMatchObject([
    {
      actor_user_id: null,
      actor_via: '',
      address: null,
      device: null,
      details: { model: 'small', count: 3, isPublic: true },
    },
    { actor_user_id: stays.userId, resource: 'user:', address: '192.0.2.1', details: { role: 'viewer' } },
    { actor_user_id: stays.userId, resource: 'x:1', details: { holder: null, to: null, kept: 'k' } },
    { actor_kind: 'system', actor_via: 'joined', resource: 'user:', address: null, device: null },
    { actor_user_id: stays.userId, details: { organisationId: null } },
    { anonymised_at: null, resource: `user:${stays.userId}`, details: { near: `x${goes.email}` } },
    { action: 'audit.record.anonymise', details: { fields: 'actorUserId actorVia address device', places1: '1' } },
    { action: 'audit.record.anonymise', details: { fields: 'resource', places1: '2' } },
    { action: 'audit.record.anonymise', details: { places1: '3' } },
    { action: 'audit.record.anonymise', details: { fields: 'address device resource', places1: '4' } },
    { action: 'audit.record.anonymise', details: { fields: 'details.organisationId', places1: '5' } },
  ]);
  expect(rows.slice(0, 5).map(({ anonymised_at: at, salt }) => [at, salt])).toEqual(
    Array.from({ length: 5 }, () => [anonymised.at, null]),
  );
  expect(rows.slice(0, 6).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
  expect(await audit.verify({ tenantId })).toEqual({ checked: 11, brokenAt: null, anonymised: 5 });
});

test('[K16.2] two who meet in one record go one after the other; the last leaves nothing of either', async () => {
  const { tenantId, stays, goes } = await newTeam();
  await record(stays, tenantId, { resource: `user:${goes.userId}`, details: { note: 'n' } });
  await record(stays, tenantId);
  await erase(goes);
  await newPerson(tenantId); // or the trail would end with the last
  await erase(stays);
  const [row = {}] = await rowsOf(tenantId);
  expect(row).toMatchObject({
    actor_user_id: null,
    actor_via: '',
    address: null,
    resource: 'user:',
    details: { note: 'n' },
  });
  const { erased } = row['seals'] as { erased: object };
  expect(Object.keys(erased).toSorted()).toEqual(['actorUserId', 'actorVia', 'address', 'device', 'resource']);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: null, anonymised: 2 });
});

test('[K16.2] somebody who left long ago is taken out too; their own trail is left to its end', async () => {
  const { tenantId, goes } = await newTeam();
  await record(goes, tenantId);
  await record(goes, goes.home);
  await admin('delete from auth.members where tenant_id = $1 and user_id = $2', tenantId, goes.userId);
  const { places } = await erase(goes);
  expect([...places.keys()]).toEqual([tenantId]);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: null, anonymised: 1 });
  expect(await audit.verify({ tenantId: goes.home })).toEqual({ checked: 1, brokenAt: null });
});

test('[K16.2] what was still being recorded as somebody went is found later, as actor and as what was acted on', async () => {
  const { tenantId, stays, goes } = await newTeam();
  await record(goes, tenantId);
  await erase(goes);
  await admin('delete from auth.users where id = $1', goes.userId);
  await record(goes, tenantId, { resource: `user:${goes.userId}` });
  await record(stays, tenantId, { resource: `user:${goes.userId}` });
  await record(stays, tenantId, { resource: `user:${stays.userId}` });
  const sweep = () =>
    ground.db.withSystem('test', async (tx) => {
      const late = await audit.anonymiseAbsent(tx);
      await audit.recordAnonymised(tx, late);
      return late.places.get(tenantId)?.map(({ sequence }) => sequence) ?? [];
    });
  expect(await sweep()).toEqual([3, 4]);
  const rows = await rowsOf(tenantId);
  expect(rows.filter(({ text }) => String(text).includes(goes.userId))).toEqual([]);
  expect(rows.filter(({ resource }) => resource === `user:${stays.userId}`)).toHaveLength(1);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: null, anonymised: 3 });
  expect(await sweep()).toEqual([]);
  const asked = ground.db.withTenant(stays, (tx) => audit.anonymiseAbsent(tx));
  await expect(asked).rejects.toThrow(/permission denied/);
});

test.each([
  ['a text that was left', `address = '192.0.2.99'`, 2],
  ['a name that was left', `actor_user_id = gen_random_uuid()`, 2],
  ['a clear fact', `action = 'a.b.d'`, 1],
  ['a number in the details', `details = details || '{"count": 4}'`, 1],
  ['a name put where somebody was taken out', `actor_user_id = gen_random_uuid()`, 1],
  ['a means put there', `actor_via = 'x'`, 1],
  ['a resource put there', `resource = 'user:x'`, 2],
  ['another kind of resource', `resource = 'agent:'`, 2],
  ['a text put into the details', `details = details || '{"holder": "x"}'`, 3],
  ['a number put into the details', `details = details || '{"holder": 5}'`, 3],
  ['a commitment', `seals = jsonb_set(seals, '{erased,actorUserId}', to_jsonb(repeat('00', 32)))`, 1],
  ['a commitment too many', `seals = jsonb_set(seals, '{erased,details.x}', to_jsonb(repeat('00', 32)))`, 1],
  ['a salt', `seals = jsonb_set(seals, '{salts,address}', to_jsonb(repeat('00', 32)))`, 2],
  ['a salt that is gone', `seals = seals #- '{salts,address}'`, 2],
  ['seals that are none', `seals = '[]'`, 1],
  ['the time', `anonymised_at = anonymised_at + interval '1 millisecond'`, 1],
  ['another form', `form = 2, seals = null, anonymised_at = null`, 1],
])('[K7.2] [K16.2] after an erasure verification still finds a change of %s', async (_what, change, place) => {
  const { tenantId, stays, goes } = await newTeam();
  await record(goes, tenantId, { details: { model: 'small', count: 3 } });
  await record(stays, tenantId, { resource: `user:${goes.userId}`, details: { role: 'viewer' } });
  await record(stays, tenantId, { details: { holder: goes.userId } });
  await erase(goes);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: null, anonymised: 3 });
  await tamper(`update kernel.audit_records set ${change} where tenant_id = $1 and sequence = $2`, tenantId, place);
  expect(await audit.verify({ tenantId })).toEqual({
    checked: place - 1,
    brokenAt: String(place),
    reason: 'changed',
  });
});

/** forge seals a person off as an intruder with the owner's password could, who knows the formula. */
const forge = (person: Person) =>
  asAdmin(
    ground,
    async (query) => {
      const traces = `'{actorUserId,actorVia,address,device}'`;
      await query(
        `select kernel.anonymise_audit_record(r, ${traces}, now()) from kernel.audit_records r where actor_user_id = $1`,
        [person.userId],
      );
    },
    { ignoreTriggers: true },
  );

test('[K7.2] [K16.2] verification finds an erasure that is none: with the right commitments, but nothing vouches for it', async () => {
  const { tenantId, stays, goes } = await newTeam();
  await record(stays, tenantId);
  await record(goes, tenantId);
  await record(stays, tenantId);
  await forge(goes);
  expect(await audit.verify({ tenantId })).toEqual({ checked: 1, brokenAt: '2', reason: 'changed' });
  // The erasure of somebody else does not vouch for it either.
  await newPerson(tenantId);
  await erase(stays);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: '2', reason: 'changed' });
});

test('[K7.2] [K16.2] a record that was changed before the erasure is found after it as before', async () => {
  const { tenantId, goes } = await newTeam();
  await record(goes, tenantId);
  await record(goes, tenantId);
  await tamper(`update kernel.audit_records set address = '192.0.2.9' where tenant_id = $1 and sequence = 2`, tenantId);
  await erase(goes);
  expect(await audit.verify({ tenantId })).toEqual({ checked: 1, brokenAt: '2', reason: 'changed' });
});

test('[K7.2] [K16.2] retention removes erased records and what vouches for them, and the rest stays whole', async () => {
  const { tenantId, stays, goes } = await newTeam();
  for (const who of [goes, stays, goes, stays, goes]) await record(who, tenantId);
  await erase(goes);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: null, anonymised: 3 });
  // As retention does, but without the week that it waits.
  await ground.db.withSystem('test', async (tx) => {
    const [row] = await tx.query<{ hash: string }>({
      text: `select encode(hash, 'hex') as hash from kernel.audit_records where tenant_id = $1 and sequence = 3`,
      values: [tenantId],
    });
    await audit.record(tx, {
      action: 'audit.record.prune',
      resource: 'audit-record:3',
      details: { through: '3', hash: row?.hash ?? '' },
      actor: { kind: 'system', reason: 'retention' },
      tenantId,
    });
  });
  await tamper(
    `insert into kernel.audit_anchors (tenant_id, sequence, hash)
     select tenant_id, sequence, hash from kernel.audit_records where tenant_id = $1 and sequence = 3`,
    tenantId,
  );
  await tamper('delete from kernel.audit_records where tenant_id = $1 and sequence <= 3', tenantId);
  expect(await audit.verify({ tenantId })).toEqual({ checked: 4, brokenAt: null, prunedThrough: '3', anonymised: 1 });
});

test('[K16.2] many records scattered over a long trail are vouched for in few', async () => {
  const { tenantId, stays, goes } = await newTeam();
  await ground.db.withSystem('test', async (tx) => {
    for (let i = 0; i < 1_200; i += 1) {
      const actor = i % 2 === 0 || i > 900 ? goes : stays;
      await audit.record(tx, { action: 'a.b.c', resource: 'x:1', actor, tenantId });
    }
  });
  const { places } = await erase(goes);
  expect(places.get(tenantId)).toHaveLength(750);
  expect(await audit.verify({ tenantId })).toEqual({ checked: 1_201, brokenAt: null, anonymised: 750 });
  const details = (await rowsOf(tenantId)).at(-1)?.['details'] as Record<string, string>;
  expect(details['places1']).toMatch(/^1 3 5 7 9 /);
  expect(Object.values(details).join(' ')).toMatch(/ 899 901-1200$| 901-1200 | 899-1200/);
});

test('[K16.2] a record from before commitments stays as it is, fits as before, and is counted', async () => {
  const { tenantId, goes } = await newTeam();
  const id = newId();
  const canonical = `{"action":"a.b.c","actorKind":"session","actorUserId":"${goes.userId}","actorVia":"s","address":null,"details":{},"id":"${id}","occurredAt":"2026-01-02T03:04:05.678Z","requestId":null,"resource":"x:1","tenantId":"${tenantId}","v":1}`;
  await tamper(
    `with fact as (select sha256(decode(repeat('00', 32), 'hex') || int8send(1) || sha256(convert_to($4, 'UTF8'))) as hash),
       head as (insert into kernel.audit_heads (tenant_id, sequence, hash) select $2, 1, hash from fact)
     insert into kernel.audit_records (id, tenant_id, sequence, occurred_at, action, resource, details, actor_kind,
       actor_user_id, actor_via, form, hash)
     select $1, $2, 1, '2026-01-02T03:04:05.678Z', 'a.b.c', 'x:1', '{}', 'session', $3, 's', 2, hash from fact`,
    id,
    tenantId,
    goes.userId,
    canonical,
  );
  await record(goes, tenantId);
  expect(await erase(goes)).toMatchObject({ kept: 1 });
  expect((await rowsOf(tenantId)).map((row) => row['actor_user_id'])).toEqual([goes.userId, null, null]);
  expect(await audit.verify({ tenantId })).toEqual({ checked: 3, brokenAt: null, anonymised: 1 });
  await tamper(`update kernel.audit_records set address = '192.0.2.9' where tenant_id = $1 and sequence = 1`, tenantId);
  expect(await audit.verify({ tenantId })).toMatchObject({ brokenAt: '1', reason: 'changed' });
});

test('[K7.2] [K16.2] nobody is taken out who is not due, and no role changes a record in another way', async () => {
  const { tenantId, goes } = await newTeam();
  await record(goes, tenantId);
  const { db } = ground;
  await expect(db.withSystem('test', (tx) => audit.anonymise(tx, goes.userId))).rejects.toThrow(/not due/);
  await makeDue(goes);
  await expect(db.withTenant(goes, (tx) => audit.anonymise(tx, goes.userId))).rejects.toThrow(/permission denied/);
  await expect(db.withAuth((tx) => audit.anonymise(tx, goes.userId))).rejects.toThrow(/permission denied/);
  const text = `update kernel.audit_records set actor_user_id = null`;
  const switchOn = `select set_config('kernel.audit_anonymising', 'on', true)`;
  for (const within of [db.withSystem.bind(db, 'test'), db.withAuth.bind(db), db.withTenant.bind(db, goes)]) {
    const asked = within(async (tx) => {
      await tx.query({ text: switchOn });
      await tx.query({ text });
    });
    await expect(asked).rejects.toThrow(/permission denied/);
    const called = within((tx) =>
      tx.query({ text: `select kernel.anonymise_audit_record(r, '{actorUserId}', now()) from kernel.audit_records r` }),
    );
    await expect(called).rejects.toThrow(/permission denied/);
  }
  await expect(admin(text)).rejects.toThrow(/append-only/);
});

test('[K7.2] [K16.2] an erasure and appending wait for each other and for nothing else, and leave a whole chain', async () => {
  const { tenantId, stays, goes } = await newTeam();
  for (let i = 0; i < 20; i += 1) await record(i % 2 ? stays : goes, tenantId);
  await Promise.all([
    erase(goes),
    ...Array.from({ length: 20 }, () => record(stays, tenantId)),
    ...Array.from({ length: 5 }, () => audit.verify({ tenantId }).then((v) => expect(v.brokenAt).toBeNull())),
  ]);
  expect(await audit.verify({ tenantId })).toEqual({ checked: 41, brokenAt: null, anonymised: 10 });
});
