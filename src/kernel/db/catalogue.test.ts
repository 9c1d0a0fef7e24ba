import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import {
  catalogueRules,
  findCatalogueProblems,
  hasIndexPrefix,
  listCatalogueTables,
  type CatalogueRule,
} from './catalogue.ts';
import { fixtureSources } from './fixtures/sources.ts';
import { silentLog } from '../../testing/test-cluster.ts';
import { openDatabase } from './open-database.ts';
import { connectOnce } from './pools.ts';
import { renderSchemaPage } from './render-schema-page.ts';
import type { Tx } from './types.ts';

/** Findings that are meant, each with its reason; everything else fails. */
const accepted: Partial<Record<CatalogueRule, readonly string[]>> = {};

describe('the real schema', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await createTestDatabase()));
  afterAll(() => database[Symbol.asyncDispose]());

  test.each(catalogueRules)('[K10.3] no table breaks the rule %s', async (rule) => {
    const problems = await database.db.withSystem('a test', (tx) => findCatalogueProblems(tx));
    expect(problems[rule].filter((finding) => !accepted[rule]?.includes(finding))).toEqual([]);
  });

  test('[K10.3] the schema page shows every table and column with its comment, and is the same each time', async () => {
    const [page, again, tables] = await database.db.withSystem(
      'a test',
      async (tx) => [await renderSchemaPage(tx), await renderSchemaPage(tx), await listCatalogueTables(tx)] as const,
    );
    expect(page).toBe(again);
    for (const { schema, table } of tables) expect(page).toContain(`### ${schema}.${table}\n`);
    expect(page).not.toMatch(/\bnull\b \|$/m);
  });
});

/** A rule that finds nothing proves nothing: each is shown a table that breaks it. */
const breaches: Record<Exclude<CatalogueRule, 'roleAboveTheRules'>, readonly [sql: string, finding: string]> = {
  foreignKeyWithoutIndex: [
    'create table app_notes.pages (id uuid primary key, book uuid references app_notes.books (id))',
    'app_notes.pages: foreign key pages_book_fkey (book)',
  ],
  tenantTableWithoutForcedSecurity: ['alter table app_notes.books no force row level security', 'app_notes.books'],
  requestRoleBeyondTenants: ['grant select on kernel.migrations to bulkhead_app', 'kernel.migrations'],
  tenantIdNullable: ['alter table app_notes.books alter tenant_id drop not null', 'app_notes.books'],
  tableWithoutComment: ['create table app_notes.silent (id uuid primary key)', 'app_notes.silent'],
  columnWithoutComment: ['comment on column app_notes.books.title is null', 'app_notes.books.title'],
  timeWithoutZone: ['alter table app_notes.books add read_at timestamp', 'app_notes.books.read_at'],
  tableWithoutPrimaryKey: ['create table app_notes.loose (id uuid)', 'app_notes.loose'],
  invalidIndex: [
    `update pg_index set indisvalid = false where indexrelid = 'app_notes.books_parent_id'::regclass`,
    'app_notes.books_parent_id',
  ],
};

test.each(Object.entries(breaches))(
  '[K10.3] the rule %s finds a table that breaks it',
  async (rule, [sql, finding]) => {
    await using database = await createTestDatabase({ migrations: fixtureSources });
    const admin = await connectOnce(database.adminUrl);
    const tx = {
      query: async (statement: { text: string; values?: unknown[] }) =>
        (await admin.query(statement.text, statement.values)).rows,
    } as unknown as Tx;
    expect((await findCatalogueProblems(tx))[rule as CatalogueRule]).toEqual([]);
    await admin.query(sql);
    expect((await findCatalogueProblems(tx))[rule as CatalogueRule]).toEqual([finding]);
    await admin.end();
  },
);

test('[K10.3] an index serves a list order only when it begins with its columns in that order', async () => {
  await using database = await createTestDatabase({ migrations: fixtureSources });
  const has = (columns: readonly string[]) =>
    database.db.withSystem('a test', (tx) => hasIndexPrefix(tx, 'app_notes.books', columns));
  expect(await has(['parent_id'])).toBe(true);
  expect(await has(['id'])).toBe(true);
  expect(await has(['id', 'parent_id'])).toBe(false);
  expect(await has(['title'])).toBe(false);
});

test('[K3.2] a server does not start on a tenant table without forced row-level security', async () => {
  await using database = await createTestDatabase({ migrations: fixtureSources });
  const admin = await connectOnce(database.adminUrl);
  await admin.query('alter table app_notes.books no force row level security');
  await admin.end();
  await expect(
    openDatabase({ config: database.config, log: silentLog, migrations: fixtureSources }),
  ).rejects.toMatchObject({
    code: 'ISOLATION_BROKEN',
    message: expect.stringContaining('app_notes.books') as string,
  });
});
