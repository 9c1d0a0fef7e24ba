/** A renewal of data keys moves every stored text, beside whatever servers do, and old keys end only when nothing names them. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuditLog } from '#kernel/audit';
import { newId } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { apps } from '../../apps.ts';
import { listSealedColumns } from '../../modules.ts';
import {
  createSecretBox,
  placeIn,
  renewDataKeys,
  reportKeys,
  type KeyRing,
  type RenewalOptions,
  type SealedColumn,
  type SecretBox,
} from './index.ts';

const columns = listSealedColumns(apps);
const connections = columns.find(({ table }) => table === 'kernel.model_connections') as SealedColumn;
const factors = columns.find(({ table }) => table === 'auth.second_factors') as SealedColumn;
const vapid = columns.find(({ table }) => table === 'kernel.vapid_keys') as SealedColumn;
const serverTenant = /'(.+)'/.exec(vapid.tenantOf)?.[1] ?? '';

let ground: TestDatabase;
let ring: KeyRing;
let box: SecretBox;

beforeEach(async () => {
  ground = await createTestDatabase();
  ring = { masterKey: randomBytes(32).toString('base64'), previousMasterKeys: [] };
  box = createSecretBox({ ...ring, columns });
});

afterEach(async () => {
  await ground[Symbol.asyncDispose]();
});

interface Stored {
  readonly tenantId: string;
  readonly id: string;
}

/** addConnection stores a key as the gateway does; its text is `key of <id>`. */
async function addConnection(tenantId: string = newId()): Promise<Stored> {
  const id = newId();
  await ground.db.withTenant({ tenantId }, async (tx) => {
    const sealed = await box.seal(tx, placeIn(connections, tenantId, id), `key of ${id}`);
    await tx.query({
      text: `insert into kernel.model_connections (id, tenant_id, name, kind, base_url, api_key_ciphertext)
             values ($1, $2, $3, 'anthropic', 'https://example.com', $4)`,
      values: [id, tenantId, id, sealed],
    });
  });
  return { tenantId, id };
}

const readSealed = async ({ tenantId, id }: Stored): Promise<string> => {
  const [row] = await ground.db.withTenant({ tenantId }, (tx) =>
    tx.query<{ sealed: string }>({
      text: 'select api_key_ciphertext as sealed from kernel.model_connections where id = $1',
      values: [id],
    }),
  );
  return row?.sealed ?? '';
};

const open = async (stored: Stored, by = createSecretBox(ring)): Promise<string> => {
  const sealed = await readSealed(stored);
  const place = placeIn(connections, stored.tenantId, stored.id);
  return ground.db.withTenant(stored, (tx) => by.open(tx, place, sealed));
};

const renew = (more: Partial<RenewalOptions> = {}) =>
  renewDataKeys({
    db: ground.db,
    audit: createAuditLog({ db: ground.db }),
    ring,
    columns,
    settleMilliseconds: 0,
    ...more,
  });

const asSystem = <Row>(text: string, values: readonly unknown[] = []) =>
  ground.db.withSystem('test', (tx) => tx.query<Row>({ text, values }));

const listKeyIds = async (): Promise<string[]> =>
  (await asSystem<{ id: string }>('select id from kernel.data_keys order by id')).map(({ id }) => id);

test('[K9.1] every sealed column is declared, exists, and is protected by the database; nothing else is', async () => {
  const inDatabase = await asSystem<{ name: string }>(
    `select table_name || '.' || column_name as name from kernel.list_sealed_columns()`,
  );
  expect(columns.map(({ table, column }) => `${table}.${column}`).toSorted()).toEqual(
    inDatabase.map(({ name }) => name).toSorted(),
  );
  // Whatever is called a ciphertext is one of them.
  const named = await asSystem<{ name: string }>(
    `select format('%s.%I', c.oid::regclass, a.attname) as name
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and (n.nspname in ('auth', 'kernel') or n.nspname like 'app\\_%')
       and a.attname like '%ciphertext%' and not a.attisdropped`,
  );
  expect(inDatabase.map(({ name }) => name)).toEqual(expect.arrayContaining(named.map(({ name }) => name)));
  expect(named.length).toBeGreaterThan(2);
});

test('[K9.1] nothing is sealed for a column that is not declared, because a renewal would pass it by', async () => {
  const tenantId = newId();
  const place = { tenantId, table: 'kernel.objects', column: 'filename', rowId: newId() };
  const sealing = ground.db.withTenant({ tenantId }, (tx) => box.seal(tx, place, 'x'));
  await expect(sealing).rejects.toThrow('kernel.objects.filename is not among the sealed columns');
});

test('[K9.1] a sealed column takes no plain text, and no text whose data key is not there', async () => {
  const stored = await addConnection();
  const update = (text: string) =>
    asSystem('update kernel.model_connections set api_key_ciphertext = $2 where id = $1', [stored.id, text]);
  await expect(update('sk-live-0123456789')).rejects.toMatchObject({ code: '23514' });
  const [version, , ...rest] = (await readSealed(stored)).split('.');
  const kid = Buffer.from(newId().replaceAll('-', ''), 'hex').toString('base64url');
  await expect(update([version, kid, ...rest].join('.'))).rejects.toMatchObject({ code: '40001' });
  expect(await open(stored)).toBe(`key of ${stored.id}`);
});

test('[K9.1] [K9.2] a renewal seals every text under a fresh key and deletes the old keys; nothing opens with them', async () => {
  const stored = [await addConnection(), await addConnection(), await addConnection()];
  const second = await addConnection(stored[0]?.tenantId);
  const [userId, personal, keyId] = [newId(), newId(), newId()];
  const place = placeIn(factors, personal, userId);
  const totp = await ground.db.withTenant({ tenantId: personal }, (tx) => box.seal(tx, place, 'totp'));
  await ground.db.withAuth(async (tx) => {
    await tx.query({
      text: `insert into auth.users (id, name, email) values ($1, 'A', 'a@example.com')`,
      values: [userId],
    });
    await tx.query({
      text: `insert into auth.organizations (id, name, personal_user_id) values ($1, 'A', $2)`,
      values: [personal, userId],
    });
    await tx.query({
      text: 'insert into auth.second_factors (user_id, totp_secret, totp_confirmed_at) values ($1, $2, now())',
      values: [userId, totp],
    });
  });
  await ground.db.withSystem('test', async (tx) => {
    const sealed = await box.seal(tx, placeIn(vapid, serverTenant, keyId), 'private');
    await tx.query({
      text: `insert into kernel.vapid_keys (id, public_key, private_key_ciphertext) values ($1, 'p', $2)`,
      values: [keyId, sealed],
    });
  });
  const all = [...stored, second];
  const before = await Promise.all(all.map(readSealed));
  const oldKeys = await listKeyIds();
  expect(oldKeys).toHaveLength(5);

  expect(await renew({ batchSize: 2 })).toEqual({ resealed: 6, released: 5, kept: 0, unreadable: {} });
  expect((await listKeyIds()).filter((id) => oldKeys.includes(id))).toEqual([]);
  for (const [index, connection] of all.entries()) {
    expect(await open(connection)).toBe(`key of ${connection.id}`);
    const moved = placeIn(connections, connection.tenantId, connection.id);
    const opening = ground.db.withTenant(connection, (tx) =>
      createSecretBox(ring).open(tx, moved, before[index] ?? ''),
    );
    await expect(opening).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
  }
  const [factor] = await ground.db.withAuth((tx) =>
    tx.query<{ totp_secret: string }>({ text: 'select totp_secret from auth.second_factors' }),
  );
  const opened = await ground.db.withTenant({ tenantId: personal }, (tx) =>
    createSecretBox(ring).open(tx, place, factor?.totp_secret ?? ''),
  );
  expect(opened).toBe('totp');
});

test('[K9.2] [K7.2] a finished renewal is recorded, and the next one begins anew', async () => {
  const operator = newId();
  await ground.db.withAuth((tx) =>
    tx.query({ text: `insert into auth.organizations (id, name) values ($1, 'Operator')`, values: [operator] }),
  );
  await addConnection();
  const begun: unknown[] = [];
  const onProgress: RenewalOptions['onProgress'] = (progress) => {
    if (progress.kind === 'begun') begun.push([progress.retired, progress.isResumed]);
  };
  await renew({ onProgress });
  await renew({ onProgress });
  expect(begun).toEqual([
    [1, false],
    [1, false],
  ]);
  const records = await ground.db.withTenant({ tenantId: operator }, (tx) =>
    tx.query({ text: `select details from kernel.audit_records where action = 'secrets.data-keys.renew'` }),
  );
  const details = { resealed: 1, released: 1, kept: 0 };
  expect(records).toEqual([{ details }, { details }]);
});

test('[K9.2] what a server writes while a renewal reads is kept, and the text read is not put back over it', async () => {
  const stored = await addConnection();
  const place = placeIn(connections, stored.tenantId, stored.id);
  let hasWritten = false;
  // Between the reading of the batch and its writing the server replaces the key.
  const db: RenewalOptions['db'] = {
    withAuth: (work) => ground.db.withAuth(work),
    withSystem: async (reason, work) => {
      const result = await ground.db.withSystem(reason, work);
      const isBatch = Array.isArray(result) && typeof result[0] === 'object' && 'sealed' in (result[0] as object);
      if (isBatch && !hasWritten) {
        hasWritten = true;
        await ground.db.withTenant(stored, async (tx) =>
          tx.query({
            text: 'update kernel.model_connections set api_key_ciphertext = $2 where id = $1',
            values: [stored.id, await box.seal(tx, place, 'newer')],
          }),
        );
      }
      return result;
    },
  };
  await renew({ db });
  expect(hasWritten).toBe(true);
  expect(await open(stored)).toBe('newer');
});

test('[K9.2] a text that is sealed before a renewal and stored after it moves as well, or is refused; it is never lost', async () => {
  const tenantId = newId();
  await addConnection(tenantId);
  const id = newId();
  const place = placeIn(connections, tenantId, id);
  const sealed = await ground.db.withTenant({ tenantId }, (tx) => box.seal(tx, place, 'late'));
  const insert = () =>
    ground.db.withTenant({ tenantId }, (tx) =>
      tx.query({
        text: `insert into kernel.model_connections (id, tenant_id, name, kind, base_url, api_key_ciphertext)
               values ($1, $2, 'late', 'anthropic', 'https://example.com', $3)`,
        values: [id, tenantId, sealed],
      }),
    );
  let isInserted = false;
  // Stored once the only pass over its table has gone by: the old key then may not go yet.
  await renew({
    onProgress: (progress) => {
      if (progress.kind === 'column' && progress.column.startsWith('kernel.model_connections')) isInserted = true;
    },
    columns: [...columns, { ...connections, tenantOf: `(select null::uuid)` }],
    db: {
      withAuth: (work) => ground.db.withAuth(work),
      withSystem: async (reason, work) => {
        if (isInserted && (await readSealed({ tenantId, id })) === '') await insert();
        return ground.db.withSystem(reason, work);
      },
    },
  });
  expect(await open({ tenantId, id })).toBe('late');
  expect(await listKeyIds()).toHaveLength(1);
  // The same text again, now that its key is gone.
  await asSystem('delete from kernel.model_connections where id = $1', [id]);
  await expect(insert()).rejects.toMatchObject({ code: '40001' });
});

test('[K9.2] a data key waits for a transaction that is about to store a text under it', async () => {
  const tenantId = newId();
  await addConnection(tenantId);
  const id = newId();
  const stored = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const slow = ground.db.withTenant({ tenantId }, async (tx) => {
    const sealed = await box.seal(tx, placeIn(connections, tenantId, id), `key of ${id}`);
    await tx.query({
      text: `insert into kernel.model_connections (id, tenant_id, name, kind, base_url, api_key_ciphertext)
             values ($1, $2, 'slow', 'anthropic', 'https://example.com', $3)`,
      values: [id, tenantId, sealed],
    });
    stored.resolve();
    await commit.promise;
  });
  await stored.promise;
  const renewal = renew();
  await expect
    .poll(async () => (await asSystem(`select from pg_stat_activity where wait_event_type = 'Lock'`)).length)
    .toBeGreaterThan(0);
  commit.resolve();
  await slow;
  expect(await renewal).toMatchObject({ kept: 0 });
  expect(await open({ tenantId, id })).toBe(`key of ${id}`);
  expect(await listKeyIds()).toHaveLength(1);
});

test('[K9.2] two renewals at once both end, and every text opens', async () => {
  const stored: Stored[] = [];
  for (let i = 0; i < 30; i += 1) stored.push(await addConnection());
  await Promise.all([renew({ batchSize: 3 }), renew({ batchSize: 7 })]);
  for (const connection of stored) expect(await open(connection)).toBe(`key of ${connection.id}`);
  expect(await listKeyIds()).toHaveLength(30);
});

test('[K9.2] a text that does not open stays with its key and is told of; a later renewal is not stuck on it', async () => {
  const [whole, damaged] = [await addConnection(), await addConnection()];
  const sealed = await readSealed(damaged);
  const parts = sealed.split('.');
  const tag = Buffer.from(parts[4] ?? '', 'base64url').map((byte) => byte ^ 1);
  await asSystem('update kernel.model_connections set api_key_ciphertext = $2 where id = $1', [
    damaged.id,
    [...parts.slice(0, 4), Buffer.from(tag).toString('base64url')].join('.'),
  ]);
  const expected = { kept: 1, unreadable: { 'kernel.model_connections.api_key_ciphertext': 1 } };
  expect(await renew()).toMatchObject({ ...expected, resealed: 1, released: 1 });
  expect(await reportKeys(ground.db, ring)).toMatchObject({ isRenewing: false, keys: [{ retiredDataKeys: 1 }] });
  expect(await renew()).toMatchObject({ ...expected, resealed: 1, released: 1 });
  expect(await open(whole)).toBe(`key of ${whole.id}`);
  // Put back as it was, it still has its key.
  await asSystem('update kernel.model_connections set api_key_ciphertext = $2 where id = $1', [damaged.id, sealed]);
  expect(await open(damaged)).toBe(`key of ${damaged.id}`);
  expect(await renew()).toMatchObject({ kept: 0, resealed: 2, unreadable: {} });
});

test('[K9.2] the report tells what a master key still protects, and what has lost its data key', async () => {
  const [one, two] = [await addConnection(), await addConnection()];
  const column = 'kernel.model_connections.api_key_ciphertext';
  expect(await reportKeys(ground.db, ring)).toMatchObject({
    keys: [{ dataKeys: 2, sealed: { [column]: 2 } }],
    lost: {},
  });
  await asSystem('delete from kernel.data_keys where tenant_id = $1', [two.tenantId]);
  const next = { masterKey: randomBytes(32).toString('base64'), previousMasterKeys: [ring.masterKey] };
  expect(await reportKeys(ground.db, next)).toMatchObject({
    keys: [
      { state: 'current', sealed: {} },
      { state: 'previous', sealed: { [column]: 1 } },
    ],
    lost: { [column]: 1 },
  });
  expect(await open(one)).toBe(`key of ${one.id}`);
});
