import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { newId } from '#kernel/ids';
import { createTestDatabase, describeDatabase, type TestDatabase } from '#testing/database';
import { fixtureSources, personA, personB, tenantA, tenantB } from './fixtures/sources.ts';
import { connectOnce } from './pools.ts';
import type { TenantScope, Tx } from './types.ts';

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase({ migrations: fixtureSources })));
afterAll(() => database[Symbol.asyncDispose]());

const insertBook = (tenantId: string, id = newId()) => ({
  text: 'insert into app_notes.books (id, tenant_id, title) values ($1, $2, $3)',
  values: [id, tenantId, 'a book'],
});
const insertDiary = (tenantId: string, ownerId: string) => ({
  text: 'insert into app_notes.diaries (id, tenant_id, owner_id, body) values ($1, $2, $3, $4)',
  values: [newId(), tenantId, ownerId, 'dear diary'],
});
const countBooks = { text: 'select count(*)::int as count from app_notes.books' };
const asA: TenantScope = { tenantId: tenantA, userId: personA };
const asB: TenantScope = { tenantId: tenantB, userId: personB };

/** As a superuser: what is really there. */
async function behindSecurity<Row>(text: string): Promise<Row[]> {
  const admin = await connectOnce(database.adminUrl);
  try {
    return (await admin.query(text)).rows as Row[];
  } finally {
    await admin.end();
  }
}

beforeEach(async () => void (await behindSecurity('truncate app_notes.books, app_notes.diaries, app_notes.events')));

describe(`on ${describeDatabase()}`, () => {
  test('[K3.2] with no tenant set every read is empty and every write fails, as the role requests use', async () => {
    await database.db.withTenant(asA, (tx) => tx.query(insertBook(tenantA)));
    // The pool's own role, but without the settings withTenant makes.
    const client = await connectOnce(database.adminUrl);
    await client.query('set session authorization bulkhead_app');
    expect((await client.query(countBooks.text)).rows).toEqual([{ count: 0 }]);
    expect((await client.query('delete from app_notes.books')).rowCount).toBe(0);
    expect((await client.query(`update app_notes.books set title = 'stolen'`)).rowCount).toBe(0);
    const { text, values } = insertBook(tenantA);
    await expect(client.query(text, values)).rejects.toThrow('violates row-level security');
    await client.end();
    expect(await behindSecurity('select title from app_notes.books')).toEqual([{ title: 'a book' }]);
  });

  test('[K3.2] a tenant sees, changes and deletes its own rows only, and cannot write or move one to another', async () => {
    const id = newId();
    await database.db.withTenant(asA, (tx) => tx.query(insertBook(tenantA, id)));
    await database.db.withTenant(asB, async (tx) => {
      expect(await tx.query(countBooks)).toEqual([{ count: 0 }]);
      expect(
        await tx.query({ text: 'update app_notes.books set title = $1 where id = $2 returning id', values: ['x', id] }),
      ).toEqual([]);
      expect(await tx.query({ text: 'delete from app_notes.books where id = $1 returning id', values: [id] })).toEqual(
        [],
      );
    });
    await expect(database.db.withTenant(asB, (tx) => tx.query(insertBook(tenantA)))).rejects.toThrow(
      'violates row-level security',
    );
    await expect(
      database.db.withTenant(asA, (tx) =>
        tx.query({ text: 'update app_notes.books set tenant_id = $1', values: [tenantB] }),
      ),
    ).rejects.toThrow('violates row-level security');
    await database.db.withSystem('a test', async (tx) => expect(await tx.query(countBooks)).toEqual([{ count: 1 }]));
  });

  test('[K3.3] personal rows are their owner’s alone, even from others of the organisation', async () => {
    await database.db.withTenant(asA, (tx) => tx.query(insertDiary(tenantA, personA)));
    const count = (tx: Tx) => tx.query({ text: 'select count(*)::int as count from app_notes.diaries' });
    expect(await database.db.withTenant(asA, count)).toEqual([{ count: 1 }]);
    expect(await database.db.withTenant({ tenantId: tenantA, userId: personB }, count)).toEqual([{ count: 0 }]);
    expect(await database.db.withTenant({ tenantId: tenantA }, count)).toEqual([{ count: 0 }]);
    await expect(
      database.db.withTenant({ tenantId: tenantA, userId: personB }, (tx) => tx.query(insertDiary(tenantA, personA))),
    ).rejects.toThrow('violates row-level security');
  });

  test('[K7.2] append-only rows cannot be changed or deleted, by system work neither', async () => {
    const event = {
      text: 'insert into app_notes.events (id, tenant_id, what) values ($1, $2, $3)',
      values: [newId(), tenantA, 'x'],
    };
    await database.db.withTenant(asA, (tx) => tx.query(event));
    for (const text of [
      `update app_notes.events set what = 'y'`,
      'delete from app_notes.events',
      'truncate app_notes.events',
    ]) {
      await expect(database.db.withTenant(asA, (tx) => tx.query({ text }))).rejects.toThrow('permission denied');
      await expect(database.db.withSystem('a test', (tx) => tx.query({ text }))).rejects.toThrow('permission denied');
    }
  });

  test('[K3.2] the request’s role cannot lift the protection, become another role or make objects', async () => {
    for (const text of [
      'alter table app_notes.books disable row level security',
      'drop policy tenant_isolation on app_notes.books',
      'set role bulkhead_system',
      `select kernel.protect_tenant_table('app_notes.books')`,
      'create table kernel.mine (id integer)',
      'create schema mine',
    ]) {
      await expect(
        database.db.withTenant(asA, (tx) => tx.query({ text })),
        text,
      ).rejects.toThrow(/must be owner|permission denied/);
    }
  });

  test('[K3.2] a tenant does not stay on the connection for the next transaction', async () => {
    await database.db.withTenant(asA, (tx) => tx.query(insertBook(tenantA)));
    const settings = {
      text: `select current_setting('app.tenant_id', true) as tenant, current_setting('app.user_id', true) as person`,
    };
    for (let index = 0; index < 20; index++) {
      expect(await database.db.withTenant({ tenantId: tenantB }, (tx) => tx.query(settings))).toEqual([
        { tenant: tenantB, person: '' },
      ]);
      expect(await database.db.withTenant(asA, (tx) => tx.query(settings))).toEqual([
        { tenant: tenantA, person: personA },
      ]);
    }
  });

  test('[K3.2] only ids are accepted as tenant and user, so that nothing can be injected into the opening', async () => {
    for (const tenantId of ['', `${tenantA}'`, `x'); drop table app_notes.books; --`, tenantA.toUpperCase()]) {
      await expect(database.db.withTenant({ tenantId }, (tx) => tx.query(countBooks))).rejects.toThrow(
        'a tenant id must be',
      );
    }
    await expect(
      database.db.withTenant({ tenantId: tenantA, userId: `'` }, (tx) => tx.query(countBooks)),
    ).rejects.toThrow('a user id must be');
  });

  test('[K10.3] a transaction that throws leaves nothing, and its connection serves on', async () => {
    for (let index = 0; index < 20; index++) {
      await expect(
        database.db.withTenant(asA, async (tx) => {
          await tx.query(insertBook(tenantA));
          throw new Error('second thoughts');
        }),
      ).rejects.toThrow('second thoughts');
    }
    expect(await database.db.withTenant(asA, (tx) => tx.query(countBooks))).toEqual([{ count: 0 }]);
    expect(database.db.stats().waiting).toBe(0);
  });

  test('[K10.3] a swallowed error does not pass as a commit', async () => {
    const work = database.db.withTenant(asA, async (tx) => {
      await tx.query(insertBook(tenantA));
      await tx.query({ text: 'select 1 / 0' }).catch(() => undefined);
    });
    await expect(work).rejects.toThrow('was rolled back because a statement in it had failed');
  });

  test('[K10.3] a nested transaction throws instead of waiting for a second connection', async () => {
    const { db } = database;
    await db.withTenant(asA, async () => {
      for (const nested of [
        () => db.withTenant(asA, async () => 1),
        () => db.withSystem('a test', async () => 1),
        () => db.withAuth(async () => 1),
      ]) {
        await expect(nested()).rejects.toThrow('a transaction is already running here');
      }
    });
  });

  test('[K10.3] work begun inside a transaction may open its own once that has ended', async () => {
    let release = (): void => undefined;
    const ended = new Promise<void>((resolve) => (release = resolve));
    let later: Promise<unknown> | undefined;
    await database.db.withTenant(asA, async () => {
      later = ended.then(() => database.db.withTenant(asB, (tx) => tx.query(countBooks)));
    });
    release();
    expect(await later).toEqual([{ count: 0 }]);
  });

  test('[K3.2] a query after the end throws instead of riding on another tenant’s connection', async () => {
    let leaked: Tx | undefined;
    let orm: Tx['orm'] | undefined;
    await database.db.withTenant(asA, async (tx) => {
      leaked = tx;
      orm = tx.orm;
    });
    await expect(leaked?.query(countBooks)).rejects.toThrow('this transaction has ended');
    await expect(Promise.resolve().then(() => orm?.execute(sql`select 1`))).rejects.toThrow();
  });

  test('[K3.2] work cannot end its transaction early, by hand or through Drizzle, but may use savepoints', async () => {
    const { db } = database;
    for (const text of ['commit', ' ROLLBACK', 'begin', 'end', 'rollback and chain', 'start  transaction', 'abort']) {
      await expect(
        db.withTenant(asA, (tx) => tx.query({ text })),
        text,
      ).rejects.toThrow('begins and ends with its work');
    }
    await expect(db.withTenant(asA, (tx) => tx.orm.transaction(async () => 1))).rejects.toThrow();
    await db.withTenant(asA, async (tx) => {
      await tx.query({ text: 'savepoint before' });
      await tx.query(insertBook(tenantA));
      await tx.query({ text: 'rollback to before' });
      expect(await tx.query(countBooks)).toEqual([{ count: 0 }]);
    });
  });

  test('[K10.1] more work than connections waits its turn, all of it', async () => {
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        database.db.withTenant(index % 2 ? asA : asB, (tx) =>
          tx.query<{ tenant: string }>({ text: `select current_setting('app.tenant_id') as tenant, pg_sleep(0.005)` }),
        ),
      ),
    );
    expect(results.map(([row]) => row?.tenant)).toEqual(results.map((_, index) => (index % 2 ? tenantA : tenantB)));
    expect(database.db.stats()).toMatchObject({ waiting: 0 });
  });

  test('[K10.1] killed connections are replaced and the statement’s own error is not repeated', async () => {
    await behindSecurity(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bulkhead_app' and datname = current_database()`,
    );
    await expect
      .poll(() => database.db.withTenant(asA, (tx) => tx.query(countBooks)).catch(() => null), { timeout: 20_000 })
      .toEqual([{ count: 0 }]);
    const dying = database.db.withTenant(asA, async (tx) => {
      await tx.query(insertBook(tenantA));
      await behindSecurity(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bulkhead_app' and state = 'idle in transaction' and datname = current_database()`,
      );
      await tx.query(insertBook(tenantA));
    });
    await expect(dying).rejects.toThrow();
    expect(await database.db.withTenant(asA, (tx) => tx.query(countBooks))).toEqual([{ count: 0 }]);
  });

  test('[K10.1] Drizzle and plain queries share the transaction', async () => {
    await database.db.withTenant(asA, async (tx) => {
      await tx.query(insertBook(tenantA));
      const { rows } = await tx.orm.execute<{ count: number }>(sql`select count(*)::int as count from app_notes.books`);
      expect(rows).toEqual([{ count: 1 }]);
    });
  });

  test('[K10.1] notifications arrive, also after the listening connection was killed', async () => {
    const heard: string[] = [];
    const stop = await database.db.listen('test_channel', (payload) => heard.push(payload));
    const notify = (payload: string) =>
      database.db.withSystem('a test', (tx) =>
        tx.query({ text: 'select pg_notify($1, $2)', values: ['test_channel', payload] }),
      );
    await notify('one');
    await expect.poll(() => heard).toContain('one');
    await behindSecurity(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bulkhead_listener' and datname = current_database()`,
    );
    // Lost while disconnected, so say it until it is heard.
    await expect
      .poll(
        async () => {
          await notify('two');
          return heard;
        },
        { timeout: 20_000 },
      )
      .toContain('two');
    const alsoHeard: string[] = [];
    const stopAlso = await database.db.listen('test_channel', (payload) => alsoHeard.push(payload));
    stop();
    await notify('three');
    await expect.poll(() => alsoHeard).toContain('three');
    expect(heard).not.toContain('three');
    stopAlso();
    await expect(database.db.listen('bad"channel', () => undefined)).rejects.toThrow('cannot be a channel');
  });

  test('[K15.1] ping answers, and rejects once the database is closed', async () => {
    await using other = await createTestDatabase({ migrations: fixtureSources });
    await other.db.ping(2_000);
    await other.db.close();
    await expect(other.db.ping(2_000)).rejects.toThrow();
  });
});

test('[K10.3] the last statement travels with its commit: saved when it succeeds, rolled back when it fails, nothing after it', async () => {
  await using own = await createTestDatabase();
  const { db } = own;
  const scope = { tenantId: newId(), userId: newId() };
  const insert = (id: string, name: string) => ({
    text: `insert into kernel.model_connections (id, tenant_id, name, kind, base_url)
           values ($1, $2, $3, 'openai-compatible', 'http://x') returning id`,
    values: [id, scope.tenantId, name],
  });
  const names = () =>
    db.withTenant(scope, (tx) =>
      tx.last<{ name: string }>({ text: 'select name from kernel.model_connections order by name' }),
    );
  const id = newId();
  await db.withTenant(scope, (tx) => tx.last(insert(id, 'kept')));
  expect(await names()).toEqual([{ name: 'kept' }]);
  const failing = db.withTenant(scope, async (tx) => {
    await tx.query(insert(newId(), 'rolled back'));
    await tx.last(insert(id, 'same id'));
  });
  await expect(failing).rejects.toMatchObject({ code: '23505' });
  expect(await names()).toEqual([{ name: 'kept' }]);
  const late = db.withTenant(scope, async (tx) => {
    await tx.last(insert(newId(), 'last'));
    await tx.query(insert(newId(), 'late'));
  });
  await expect(late).rejects.toThrow('this transaction has ended');
  expect(await names()).toEqual([{ name: 'kept' }, { name: 'last' }]);
});

test('[K10.1] work that throws before its first statement leaves a connection that still speaks', async () => {
  await using own = await createTestDatabase({ environment: { DATABASE_POOL_SIZE: '4' } });
  const scope = { tenantId: newId(), userId: newId() };
  for (let round = 0; round < 8; round += 1) {
    const thrown = own.db.withTenant(scope, () => {
      throw new Error('before anything was asked');
    });
    await expect(thrown).rejects.toThrow('before anything was asked');
  }
  const rows = await own.db.withTenant(scope, (tx) => tx.query<{ one: number }>({ text: 'select 1 as one' }));
  expect(rows).toEqual([{ one: 1 }]);
});

test('[K10.1] [K16.1] an instant shows every role what was there, and nothing of what comes and goes meanwhile', async () => {
  const { db } = database;
  const count = async (from: Pick<typeof db, 'withTenant'>) =>
    (await from.withTenant(asA, (tx) => tx.query<{ count: number }>(countBooks)))[0]?.count;
  const before = (await count(db)) ?? 0;
  {
    await using instant = await db.openInstant('a test');
    await db.withTenant(asA, (tx) => tx.query(insertBook(tenantA)));
    expect([await count(instant), await count(db)]).toEqual([before, before + 1]);
    expect(await instant.withAuth((tx) => tx.query({ text: 'select 1' }))).toHaveLength(1);
    await expect(instant.withTenant(asA, (tx) => tx.query(insertBook(tenantA)))).rejects.toThrow('read-only');
  }
  expect(await count(db)).toBe(before + 1);
});
