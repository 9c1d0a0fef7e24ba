/** What every route owes, asked of every route: 401, 400, 415, limits, headers; new routes are covered as they appear. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { defineRoute, type Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { apps } from '../../apps.ts';
import { kernelModules } from '../../modules.ts';
import { probeContract } from '../probe-app.ts';
import { startTestServer, type Tenant, type TestServer } from '../server.ts';
import { fillPath, parametersOf } from './sample-resources.ts';

const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];
const named = (list: readonly Route[]) => list.map((route) => [route.key, route] as const);
const permissions = Object.assign(
  {},
  ...[...kernelModules.permissions, ...apps].map((set) => set.permissions),
) as Record<string, string>;

let server: TestServer;
let owner: Tenant;
let stranger: Tenant;
/** An operator whose last proof is a day old. */
let stale: Tenant;

beforeAll(async () => {
  server = await startTestServer();
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
  stale = await server.secondTenant();
  await server.services.db.withAuth(async (tx) => {
    const values = [stale.principal.userId];
    await tx.query({ text: `update auth.users set is_operator = true where id = $1`, values });
    await tx.query({
      text: `update auth.sessions set proved_at = now() - interval '1 day' where user_id = $1`,
      values,
    });
    await tx.query({ text: `select pg_notify('bulkhead_sessions', 'user:' || $1::text)`, values });
  });
  const resolve = () => server.services.identity.resolve({ cookie: stale.client.cookie });
  await vi.waitUntil(async () => (await resolve())?.isOperator === true, { timeout: 30_000 });
});
afterAll(() => server?.[Symbol.asyncDispose]());

const pathOf = (route: Route): string =>
  fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, newId()])));

describe('over the wire', () => {
  test.each(named(routes.filter((route) => route.access !== 'public')))(
    '[Q2] %s without a session is 401, with RateLimit fields',
    async (_key, route) => {
      const answer = await server.anonymous.expect(401, pathOf(route), { body: route.operation.body ? {} : undefined });
      expect(answer.json.code).toBe('UNAUTHENTICATED');
      expect(answer.headers.get('ratelimit')).toMatch(/^"[\w.-]+";r=\d+;t=\d+$/);
      expect(answer.headers.get('ratelimit-policy')).toMatch(/^"[\w.-]+";q=\d+;w=\d+$/);
    },
  );

  test.each(named(routes.filter((route) => route.operation.protocol)))(
    '[K5.1] %s leaves unknown fields aside as its standard asks, and refuses all but JSON',
    async (_key, { operation, ...route }) => {
      expect(operation.protocol?.standard).toMatch(/^RFC \d+/);
      if (!operation.body) return;
      const path = pathOf({ operation, ...route });
      const headers = { 'content-type': operation.protocol?.mediaType ?? '' };
      const refused = await owner.client.ask(path, { body: { 'no such field': 1 }, headers });
      expect(refused.text).not.toContain('no such field');
      expect(refused.headers.get('content-type')).toContain(operation.protocol?.mediaType);
      await owner.client.expect(415, path, {
        body: 'a=b',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    },
  );

  test.each(named(routes.filter(({ operation }) => operation.body && !operation.form && !operation.protocol)))(
    '[K5.1] %s refuses an unknown field and a body that is not JSON',
    async (_key, route) => {
      const unknown = await owner.client.expect(400, pathOf(route), { body: { 'no such field': 1 } });
      expect(unknown.json.errors).toContainEqual(expect.objectContaining({ pointer: '/body/no such field' }));
      await owner.client.expect(415, pathOf(route), {
        body: 'a=b',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    },
  );

  test.each(named(routes.filter((route) => parametersOf(route).length > 0)))(
    '[K5.1] %s refuses a path that is no id',
    async (_key, route) => {
      const path = fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, "x';drop-table"])));
      const answer = await owner.client.ask(path, { body: route.operation.body ? {} : undefined });
      expect([400, 415]).toContain(answer.status);
    },
  );

  test.each(named(routes.filter((route) => route.operation.form)))(
    '[K8.2] %s takes forms of other sites, and nothing else, as nobody',
    async (_key, route) => {
      expect(route.access).toBe('public');
      await owner.client.expect(415, pathOf(route), { body: {}, headers: { 'sec-fetch-site': 'cross-site' } });
    },
  );

  test.each(named(routes.filter((route) => !route.key.startsWith('GET ') && !route.operation.form)))(
    '[K8.2] %s refuses a write from another site',
    async (_key, route) => {
      await owner.client.expect(403, pathOf(route), { body: {}, headers: { 'sec-fetch-site': 'cross-site' } });
    },
  );

  test.each(named(routes.filter((route) => route.access === 'operator')))(
    '[K17.4] %s is for who runs the server: the owner of an organisation gets 403',
    async (_key, route) => {
      const answer = await stranger.client.expect(403, pathOf(route), { body: route.operation.body ? {} : undefined });
      expect(answer.json.code).toBe('FORBIDDEN');
    },
  );

  test.each(named(routes.filter((route) => route.stepUp)))(
    '[K2.4] %s asks for a recent proof of who it is',
    async (_key, route) => {
      const answer = await stale.client.expect(403, pathOf(route), { body: route.operation.body ? {} : undefined });
      expect(answer.json.code).toBe('STEP_UP_REQUIRED');
    },
  );

  test('[K2.8] no JSON answer carries the session token, and the cookie is __Host-, HttpOnly, Secure and SameSite', async () => {
    const person = { name: 'Cookie Monster', email: 'cookie@example.org', password: 'Ärger mit 7 Zwergen!' };
    const response = await server.anonymous.open('POST /auth/sign-up', { body: person });
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-/);
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=', 'Path=/']) expect(cookie).toContain(attribute);
    expect(cookie).not.toContain('Domain');
    const token = decodeURIComponent(cookie.split(';')[0]?.split('=').slice(1).join('=') ?? '').split('.')[0] ?? '';
    expect(token.length).toBeGreaterThan(20);
    expect(await response.text()).not.toContain(token);
  });
});

describe('in the declarations', () => {
  test('[K4.1] a route without a limit, or without access, does not compile', () => {
    const handler = async () => ({ address: '' });
    // @ts-expect-error -- no limit
    const withoutLimit = () => defineRoute(probeContract, 'GET /probe/caller', { id: 'x', access: 'public', handler });
    const limit = routes[0]?.limit ?? never;
    // @ts-expect-error -- no access
    const withoutAccess = () => defineRoute(probeContract, 'GET /probe/caller', { id: 'x', limit, handler });
    expect([withoutLimit, withoutAccess]).toHaveLength(2);
    for (const route of routes) {
      expect([route.id, route.limit.max > 0 && route.limit.windowSeconds > 0]).toEqual([route.id, true]);
    }
  });

  test('[K3.5] every permission a route asks for is declared with a sentence, and some role holds it', () => {
    const sets = [...kernelModules.permissions, ...apps];
    for (const { access, id } of routes) {
      if (typeof access === 'string') continue;
      expect([id, permissions[access.permission]]).toEqual([id, expect.stringMatching(/\w+/)]);
      expect([id, sets.some((set) => set.policy.owner.includes(access.permission))]).toEqual([id, true]);
    }
  });

  test.each(named(routes))('[K5.1] every object in the contract of %s is strict', (_key, { operation }) => {
    // Only what another standard calls open may be: the bodies of its operations.
    const body = operation.protocol ? undefined : operation.body;
    for (const schema of [operation.params, operation.query, body, operation.response]) {
      if (schema) expect(looseObjects(schema)).toEqual([]);
    }
    if (operation.protocol && operation.body) expect(looseObjects(operation.body)).not.toEqual([]);
  });

  test('[K5.4] every POST that creates (201 or 202) honours Idempotency-Key; uploads, signing up and secrets shown once apart', () => {
    const creating = routes.filter(
      ({ key, operation, access, showsSecretOnce }) =>
        key.startsWith('POST ') &&
        (operation.status === 201 || operation.status === 202) &&
        !operation.upload &&
        !showsSecretOnce &&
        access !== 'public',
    );
    expect(creating.length).toBeGreaterThan(3);
    expect(creating.filter((route) => !route.idempotent).map((route) => route.id)).toEqual([]);
  });

  test('[K10.4] every list is paged: at most 200 rows, 50 unless asked', () => {
    const lists = routes.filter((route) => isPage(route.operation.response));
    expect(lists.length).toBeGreaterThan(4);
    for (const { operation, id } of lists) {
      expect([id, operation.query?.safeParse({ limit: '201' }).success, operation.query?.safeParse({}).data]).toEqual([
        id,
        false,
        expect.objectContaining({ limit: 50 }),
      ]);
    }
  });
});

declare const never: never;

function isPage(schema: z.ZodType | undefined): boolean {
  return schema !== undefined && 'shape' in schema && 'nextCursor' in (schema.shape as object);
}

/** looseObjects lists the objects of a schema that let unknown fields through. */
function looseObjects(schema: z.ZodType, path = ''): string[] {
  const def = schema.def as unknown as Record<string, unknown> & { type: string };
  const inner = (key: string) => (def[key] ? looseObjects(def[key] as z.ZodType, path) : []);
  const shape = def.type === 'object' ? (def['shape'] as Record<string, z.ZodType>) : {};
  const catchall = def['catchall'] as z.ZodType | undefined;
  const isLoose = def.type === 'object' && (catchall?.def as { type?: string } | undefined)?.type !== 'never';
  return [
    ...(isLoose ? [path || '/'] : []),
    ...Object.entries(shape).flatMap(([name, field]) => looseObjects(field, `${path}/${name}`)),
    ...inner('element'),
    ...inner('innerType'),
    ...inner('in'),
    ...inner('out'),
    ...((def['options'] ?? []) as z.ZodType[]).flatMap((option) => looseObjects(option, path)),
  ];
}
