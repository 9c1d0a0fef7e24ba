/** Stored credentials open only with the right key in the right place, whoever holds the database. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import fc from 'fast-check';
import { createAuditLog } from '#kernel/audit';
import { newId } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { openEnvelope, parseEnvelope, sealEnvelope } from './envelope.ts';
import { createSecretBox, lastFour, masterKeyId, rewrapDataKeys, type SecretBox, type SecretPlace } from './index.ts';

const newMasterKey = () => randomBytes(32).toString('base64');
const masterKey = newMasterKey();
const plaintext = 'sk-live-0123456789abcdef';
let ground: TestDatabase;
let box: SecretBox;

beforeAll(async () => {
  ground = await createTestDatabase();
  box = createSecretBox({ masterKey });
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

function newPlace(more: Partial<SecretPlace> = {}): SecretPlace {
  return { tenantId: newId(), table: 'kernel.model_connections', column: 'api_key', rowId: newId(), ...more };
}

const seal = (place: SecretPlace, text = plaintext, by = box) =>
  ground.db.withTenant(place, (tx) => by.seal(tx, place, text));
const open = (place: SecretPlace, sealed: string, by = box) =>
  ground.db.withTenant(place, (tx) => by.open(tx, place, sealed));

test('[K9.1] what was sealed opens again, in another process too, and shows nothing of itself', async () => {
  const place = newPlace();
  const sealed = await seal(place);
  expect(sealed).toMatch(/^v1\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$/);
  expect(Buffer.from(sealed.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('sk-live');
  expect(await open(place, sealed)).toBe(plaintext);
  expect(await open(place, sealed, createSecretBox({ masterKey }))).toBe(plaintext);
});

test('[K9.1] the same text sealed twice gives two ciphertexts', async () => {
  const place = newPlace();
  expect(await seal(place)).not.toBe(await seal(place));
});

test.each([
  ['row', { rowId: newId() }],
  ['column', { column: 'organisation_id' }],
  ['table', { table: 'kernel.other' }],
])('[K9.1] a ciphertext moved to another %s does not open', async (_what, moved) => {
  const place = newPlace();
  const sealed = await seal(place);
  await expect(open({ ...place, ...moved }, sealed)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
});

test('[K9.1] a ciphertext moved to another tenant does not open, although that tenant has a key', async () => {
  const place = newPlace();
  const sealed = await seal(place);
  const other = { ...place, tenantId: newId() };
  await seal(other);
  await open(place, sealed);
  await expect(open(other, sealed)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
});

test('[K9.1] a tenant cannot use the box for another tenant in its own transaction', async () => {
  const place = newPlace();
  const sealed = await seal(place);
  const reading = ground.db.withTenant({ tenantId: newId() }, (tx) => box.open(tx, place, sealed));
  await expect(reading).rejects.toThrow('a secret belongs to the tenant of its transaction');
});

test('[K9.1] a damaged, cut or foreign text never opens and never crashes', async () => {
  const place = newPlace();
  const sealed = await seal(place);
  const parts = sealed.split('.');
  const damaged = [
    '',
    'v1',
    'v1....',
    'v2.' + parts.slice(1).join('.'),
    sealed + '.x',
    sealed.slice(0, -1),
    `${sealed}=`,
    [...parts.slice(0, 4), 'AAAAAA'].join('.'),
    [...parts.slice(0, 2), 'AAAA', ...parts.slice(3)].join('.'),
    [parts[0], 'AAAA', ...parts.slice(2)].join('.'),
    [parts[0], Buffer.from(newId().replaceAll('-', ''), 'hex').toString('base64url'), ...parts.slice(2)].join('.'),
  ];
  const outcomes = await Promise.allSettled(damaged.map((text) => open(place, text)));
  expect(outcomes).toEqual(
    damaged.map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'SECRET_UNREADABLE' }) })),
  );
});

test('[K9.1] every flipped bit and every shorter tag is noticed', () => {
  const key = randomBytes(32);
  const context = ['tenant', 'table', 'column', 'row'];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, where) => {
      const envelope = parseEnvelope(sealEnvelope(key, 'kid', context, bytes));
      expect(openEnvelope(key, envelope, context).equals(bytes)).toBe(true);
      const all = Buffer.concat([envelope.iv, envelope.ciphertext, envelope.tag]);
      const bit = where % (all.length * 8);
      all.writeUInt8(all.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const flipped = {
        kid: 'kid',
        iv: all.subarray(0, 12),
        ciphertext: all.subarray(12, -16),
        tag: all.subarray(-16),
      };
      expect(() => openEnvelope(key, flipped, context)).toThrow('authentication failed');
      expect(() => openEnvelope(key, { ...envelope, tag: envelope.tag.subarray(0, 12) }, context)).toThrow(/tag/);
    }),
  );
});

test('[K9.1] parts of a place cannot be shifted into each other', () => {
  expect(() => sealEnvelope(randomBytes(32), 'kid', ['a|b', 'c'], randomBytes(1))).toThrow(/context/);
  expect(() => sealEnvelope(randomBytes(32), 'kid', ['a', ''], randomBytes(1))).toThrow(/context/);
});

test('[K9.1] 40 first secrets at once make one data key', async () => {
  const tenantId = newId();
  const places = Array.from({ length: 40 }, () => newPlace({ tenantId }));
  const sealed = await Promise.all(places.map((place) => seal(place)));
  const opened = await Promise.all(places.map((place, i) => open(place, sealed[i] ?? '')));
  expect(new Set(opened)).toEqual(new Set([plaintext]));
  const keys = await ground.db.withTenant({ tenantId }, (tx) =>
    tx.query<{ wrapped_key: string }>({ text: 'select * from kernel.data_keys' }),
  );
  expect(keys).toHaveLength(1);
  expect(new Set(sealed.map((text) => text.split('.')[1])).size).toBe(1);
});

test('[K9.1] a data key whose transaction rolled back is never used again', async () => {
  const place = newPlace();
  const failing = ground.db.withTenant(place, async (tx) => {
    await box.open(tx, place, await box.seal(tx, place, plaintext));
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  const sealed = await seal(place);
  expect(await open(place, sealed, createSecretBox({ masterKey }))).toBe(plaintext);
});

test('[K9.1] without the master key, or with a data key wrapped for another row, nothing opens', async () => {
  const place = newPlace();
  const sealed = await seal(place);
  await expect(open(place, sealed, createSecretBox({ masterKey: newMasterKey() }))).rejects.toMatchObject({
    code: 'SECRET_KEY_MISSING',
  });
  await ground.db.withTenant(place, (tx) =>
    tx.query({ text: 'update kernel.data_keys set id = $1', values: [newId()] }),
  );
  await expect(seal(place)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
});

test('[K9.2] a box that knows the previous master key still opens what it wrapped', async () => {
  const place = newPlace();
  const sealed = await seal(place);
  const rotated = createSecretBox({ masterKey: newMasterKey(), previousMasterKeys: [masterKey] });
  expect(await open(place, sealed, rotated)).toBe(plaintext);
});

test('[K9.2] [K7.2] a rotation is recorded once, in the organisation of the operator, with the last batch', async () => {
  await using other = await createTestDatabase();
  const operator = newId();
  await other.db.withAuth((tx) =>
    tx.query({ text: `insert into auth.organizations (id, name) values ($1, 'Operator')`, values: [operator] }),
  );
  const audit = createAuditLog({ db: other.db });
  const old = createSecretBox({ masterKey });
  for (let i = 0; i < 7; i += 1) {
    const place = newPlace();
    await other.db.withTenant(place, (tx) => old.seal(tx, place, plaintext));
  }
  const ring = { masterKey: newMasterKey(), previousMasterKeys: [masterKey] };
  const progress: number[][] = [];
  const rotate = () =>
    rewrapDataKeys({ db: other.db, audit, ring, batchSize: 3, onProgress: (...step) => progress.push(step) });
  expect(await rotate()).toEqual({ keyId: masterKeyId(ring.masterKey), rewrapped: 7 });
  expect(progress).toEqual([
    [3, 7],
    [6, 7],
    [7, 7],
  ]);
  expect(await rotate()).toMatchObject({ rewrapped: 0 });
  const records = await other.db.withTenant({ tenantId: operator }, (tx) =>
    tx.query({ text: 'select action, resource, details from kernel.audit_records' }),
  );
  expect(records).toEqual([
    {
      action: 'secrets.master-key.rotate',
      resource: `master-key:${masterKeyId(ring.masterKey)}`,
      details: { replaced: masterKeyId(masterKey) },
    },
  ]);
  expect(await audit.verify({ tenantId: operator })).toEqual({ checked: 1, brokenAt: null });
});

test('[K9.2] a box learns of a new master key when it meets one, and wraps under it from then on', async () => {
  let ring = { masterKey, previousMasterKeys: [] as string[] };
  const running = createSecretBox({ ...ring, reload: () => ring });
  const place = newPlace();
  const sealed = await seal(place, plaintext, running);
  ring = { masterKey: newMasterKey(), previousMasterKeys: [masterKey] };
  const ahead = createSecretBox(ring);
  const [early, late] = [newPlace(), newPlace()];
  const theirs = await seal(early, plaintext, ahead);
  expect(await open(early, theirs, running)).toBe(plaintext);
  expect(await open(place, sealed, running)).toBe(plaintext);
  const ours = await seal(late, plaintext, running);
  expect(await open(late, ours, createSecretBox({ masterKey: ring.masterKey }))).toBe(plaintext);
});

test('[K9.1] there is no box without a master key of 32 bytes', () => {
  expect(() => createSecretBox({ masterKey: undefined })).toThrow(/needs a master key/);
  expect(() => createSecretBox({ masterKey: randomBytes(16).toString('base64') })).toThrow(/32 bytes/);
});

test('[K9.1] the last four characters are shown only of a credential they tell little about', () => {
  expect(lastFour('sk-live-0123456789abcdef')).toBe('cdef');
  expect(lastFour('short-key')).toBe('');
  expect(lastFour('')).toBe('');
});
