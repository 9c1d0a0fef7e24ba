/** No organisation reaches anything of another: every route, every stream, every table, every verb; new ones are covered as they appear. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { apps } from '../../apps.ts';
import { kernelModules } from '../../modules.ts';
import { createAgent } from '../agents-fixture.ts';
import { asAdmin } from '../as-admin.ts';
import { startTestServer, type Tenant, type TestServer } from '../server.ts';
import { sampleFromSchema } from './sample-from-schema.ts';
import {
  createSamples,
  fillPath,
  headersFor,
  namesThings,
  parametersOf,
  queryFor,
  type Samples,
} from './sample-resources.ts';

const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];
/** What concerns the installation is closed to all but its operator, whatever the id: `every-route.test.ts` tries that. */
const routesOfTenants = routes.filter((route) => route.access !== 'operator');
// A form of another site knows no caller: what it brings has to say by itself whom it is about.
const routesWithIds = routesOfTenants.filter((route) => namesThings(route) && !route.operation.form);

let server: TestServer;
let owner: Tenant;
let stranger: Tenant;
let samples: Samples;
let own: Samples;

beforeAll(async () => {
  const limits = [...new Set(routes.map((route) => `${route.limit.name}=100000/60`))].join(',');
  server = await startTestServer({ environment: { LIMITS: limits } });
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
  [samples, own] = [await createSamples(server, owner), await createSamples(server, stranger)];
}, 120_000);
afterAll(() => server?.[Symbol.asyncDispose]());

function bodyFor(route: Route, ids: Samples): unknown {
  const { body } = route.operation;
  return body && sampleFromSchema(body, '/body', { text: () => 'abc', id: (name) => ids[name] ?? newId() });
}

function ask(tenant: Tenant, route: Route, path: string, query: string, body: unknown) {
  if (route.operation.upload) return tenant.client.upload(path, { name: 'a.txt', type: 'text/plain', bytes: 'hello' });
  return tenant.client.ask(path + query, {
    body,
    headers: headersFor(route, tenant === owner ? samples : own),
  });
}

describe('routes', () => {
  test('[K3.4] there is something to walk, and streams are part of it', () => {
    expect(routesWithIds.length).toBeGreaterThan(20);
    expect(routesWithIds.some((route) => route.operation.stream)).toBe(true);
  });

  test.each(routesWithIds.map((route) => [route.key, route] as const))(
    "[K3.4] %s with another organisation's id is 404",
    async (_key, route) => {
      const path = fillPath(route, samples);
      const answer = await ask(stranger, route, path, queryFor(route, server, owner, samples), bodyFor(route, own));
      expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('"detail"')]);
      for (const id of Object.values(samples)) expect(answer.text).not.toContain(id);
    },
  );

  test.each(routesWithIds.map((route) => [route.key, route] as const))(
    '[K3.4] %s is 404 for an id nobody has, just the same',
    async (_key, route) => {
      const nobody = Object.fromEntries(parametersOf(route).map((name) => [name, newId()]));
      const answer = await ask(
        stranger,
        route,
        fillPath(route, nobody),
        queryFor(route, server, stranger, nobody),
        bodyFor(route, own),
      );
      expect(answer.status).toBe(404);
    },
  );

  test("[K3.4] lists show nothing of another organisation's", async () => {
    const lists = routesOfTenants.filter(
      (route) => route.key.startsWith('GET ') && route.operation.query && 'cursor' in route.operation.query.shape,
    );
    expect(lists.length).toBeGreaterThan(5);
    for (const route of lists) {
      const answer = await stranger.client.expect(200, fillPath(route, own));
      for (const id of Object.values(samples))
        expect([route.key, answer.text.includes(id)]).toEqual([route.key, false]);
    }
  });

  const referring = routes.filter((route) => {
    const names = new Set<string>();
    if (route.operation.body)
      sampleFromSchema(route.operation.body, '/body', { text: () => 'a', id: (name) => (names.add(name), newId()) });
    return names.size > 0;
  });
  test.each(referring.map((route) => [route.key, route] as const))(
    "[K3.4] %s tells nothing about another organisation's id in its body",
    async (_key, route) => {
      // Each try on an agent of its own: the first may change it.
      const fresh = async () => fillPath(route, { ...own, agentId: (await createAgent(stranger.client)).id });
      const known = await ask(stranger, route, await fresh(), '', bodyFor(route, samples));
      const invented = await ask(stranger, route, await fresh(), '', bodyFor(route, {}));
      expect([known.status, known.json?.code]).toEqual([invented.status, invented.json?.code]);
      expect(known.status).toBeLessThan(500);
      for (const secret of ['Mine', 'models.example.com', 'else-sees']) expect(known.text).not.toContain(secret);
    },
  );

  test('[K3.4] after all that nothing of the owner was changed or deleted', async () => {
    for (const name of ['agentId', 'conversationId', 'documentId', 'passageId', 'connectionId', 'runId'] as const) {
      const route = routesWithIds.find(({ key }) => key.startsWith('GET ') && key.endsWith(`{${name}}`));
      expect(route, name).toBeDefined();
      if (route) await owner.client.expect(200, fillPath(route, samples));
    }
    const picture = { key: 'GET /members/{memberId}/picture' } as const;
    await owner.client.expect(200, fillPath(picture, samples) + queryFor(picture, server, owner, samples));
    await owner.client.expect(
      200,
      `GET /files/${samples['fileId']}${queryFor({ key: 'GET /files/{fileId}' }, server, owner, samples)}`,
    );
  });
});

/** Requests may not even ask these; some they may add to. */
const closedTables = ['kernel.feature_flag_exceptions', 'kernel.mail_messages'];

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

describe('tables', () => {
  let tables: Table[];

  beforeAll(async () => {
    tables = await asAdmin(server.database, (query) =>
      query<Table>(`
        select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attnum) as columns
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        where c.relkind in ('r', 'p') and not c.relispartition and (n.nspname = 'kernel' or n.nspname like 'app\\_%')
        group by c.oid having bool_or(a.attname = 'tenant_id') order by 1`),
    );
  });

  /** tally counts a table's rows of an organisation, as a superuser sees them. */
  const tally = (table: string, tenantId: string) =>
    asAdmin(
      server.database,
      async (query) =>
        (
          await query<{ text: string }>(
            `select coalesce(md5(string_agg(t::text, ',' order by t::text)), '') || count(*) as text from ${table} t where tenant_id = '${tenantId}'`,
          )
        )[0]?.text,
    );

  /** attempt runs a statement as a stranger's request would; a refusal counts as no rows. */
  async function attempt(sql: string, tenantId = stranger.principal.tenantId): Promise<number | 'refused'> {
    try {
      return await server.services.db.withTenant(
        { tenantId, userId: stranger.principal.userId },
        async (tx) => (await tx.query({ text: sql })).length,
      );
    } catch {
      return 'refused';
    }
  }

  test('[K3.2] every table with a tenant_id is known here, and most hold rows of the owner', async () => {
    expect(tables.length).toBeGreaterThan(10);
    const counts = await Promise.all(
      tables.map(async ({ name }) => (await tally(name, owner.principal.tenantId)) !== '0'),
    );
    expect(counts.filter(Boolean).length).toBeGreaterThan(10);
  });

  test('[K3.4] select, insert, update and delete reach no row of another organisation in any table', async () => {
    const [theirs, mine] = [owner.principal.tenantId, stranger.principal.tenantId];
    const leaks: string[] = [];
    for (const { name, columns } of tables) {
      const before = await tally(name, theirs);
      const list = columns.join(', ');
      const attempts: Record<string, string> = {
        select: `select 1 from ${name} where tenant_id = '${theirs}'`,
        'select all': `select 1 from ${name} where tenant_id <> '${mine}'`,
        update: `update ${name} set tenant_id = tenant_id where tenant_id = '${theirs}' returning 1`,
        steal: `update ${name} set tenant_id = '${mine}' where tenant_id <> '${mine}' returning 1`,
        give: `update ${name} set tenant_id = '${theirs}' returning 1`,
        delete: `delete from ${name} where tenant_id = '${theirs}' returning 1`,
        insert: `insert into ${name} (${list}) select ${list.replace(/\btenant_id\b/, `'${theirs}'::uuid`)} from ${name} returning 1`,
      };
      for (const [verb, sql] of Object.entries(attempts)) {
        const reached = await attempt(sql);
        if (reached !== 'refused' && reached > 0) leaks.push(`${verb} ${name}: ${reached}`);
      }
      if ((await tally(name, theirs)) !== before) leaks.push(`${name} changed`);
    }
    expect(leaks).toEqual([]);
  });

  test('[K3.2] with a tenant nobody has, every table is empty', async () => {
    const seen = await Promise.all(
      tables.map(async ({ name }) => [name, await attempt(`select 1 from ${name}`, newId())] as const),
    );
    expect(seen.filter(([, rows]) => rows !== 0 && rows !== 'refused')).toEqual([]);
    expect(seen.filter(([, rows]) => rows === 'refused').map(([name]) => name)).toEqual(closedTables);
  });

  test('[K3.2] with no tenant set at all, the role of requests reads nothing and writes fail', async () => {
    const found: string[] = [];
    await asAdmin(server.database, async (query) => {
      await query('set role bulkhead_app');
      for (const { name, columns } of tables) {
        const rows = await query(`select 1 from ${name}`).catch(() => []);
        if (rows.length > 0) found.push(`select ${name}`);
        const id = newId();
        const values = columns.map((column) => (column === 'tenant_id' ? `'${id}'::uuid` : 'null')).join(', ');
        const isWritten = await query(`insert into ${name} (${columns.join(', ')}) values (${values})`).then(
          () => true,
          () => false,
        );
        if (isWritten) found.push(`insert ${name}`);
        const changed = await query(`update ${name} set tenant_id = tenant_id returning 1`).catch(() => []);
        if (changed.length > 0) found.push(`update ${name}`);
      }
    });
    expect(found).toEqual([]);
  });

  test('[K3.2] the roles of the server are no superusers, bypass nothing and own nothing', async () => {
    const rows = await asAdmin(server.database, (query) =>
      query<{ rolname: string }>(
        `select rolname from pg_roles where rolname in ('bulkhead_app', 'bulkhead_system', 'bulkhead_auth') and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)
       union all select tableowner from pg_tables where tableowner in ('bulkhead_app', 'bulkhead_system', 'bulkhead_auth')`,
      ),
    );
    expect(rows).toEqual([]);
  });
});
