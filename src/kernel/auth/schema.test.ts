/** The schema `auth` explains itself, and no row of it is open by mistake. */
import { expect, test } from 'vitest';
import { createTestDatabase } from '../../testing/database.ts';

test('[K10.3] every table and column of the schema auth says what it is', async () => {
  await using database = await createTestDatabase();
  const bare = await database.db.withSystem('test', (tx) =>
    tx.query({
      text: `select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where n.nspname = 'auth' and c.relkind = 'r'
               and (obj_description(c.oid) is null or col_description(c.oid, a.attnum) is null)`,
    }),
  );
  expect(bare).toEqual([]);
});

test('[K3.2] every table of the schema auth forces row-level security, and only two let the request’s role read', async () => {
  await using database = await createTestDatabase();
  const tables = await database.db.withSystem('test', (tx) =>
    tx.query<{ name: string; is_forced: boolean; readers: string[] }>({
      text: `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as is_forced,
               array(select role from unnest(array['bulkhead_app', 'bulkhead_system', 'bulkhead_auth']) role
                     where has_table_privilege(role, c.oid, 'select, insert, update, delete') order by role) as readers
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'auth' and c.relkind = 'r' order by c.relname`,
    }),
  );
  expect(tables.every((table) => table.is_forced)).toBe(true);
  const open = tables.filter((table) => table.readers.includes('bulkhead_app')).map((table) => table.name);
  expect(open).toEqual(['members', 'organizations']);
  expect(tables.map((table) => table.name)).toEqual([
    'accounts',
    'api_keys',
    'device_codes',
    'invitations',
    'mail_proofs',
    'members',
    'organizations',
    'passkey_challenges',
    'passkeys',
    'recovery_codes',
    'scim_group_members',
    'scim_groups',
    'scim_tokens',
    'scim_users',
    'second_factors',
    'sessions',
    'setup_links',
    'sign_in_challenges',
    'sign_on_attempts',
    'sign_on_seen',
    'sso_connections',
    'sso_domains',
    'sso_sessions',
    'support_grants',
    'token_families',
    'token_pairs',
    'trusted_devices',
    'users',
    'verifications',
  ]);
});
