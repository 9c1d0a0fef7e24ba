/** What a role may do is asked of every route: each answers as the policy says, and viewers write nothing; new routes are covered as they appear. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '#kernel/auth';
import { createPolicy, type Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { apps } from '../../apps.ts';
import { kernelModules } from '../../modules.ts';
import { startTestServer, type TestServer } from '../server.ts';
import { addMember, createTeam } from '../team-fixture.ts';
import type { TestClient } from '../client.ts';
import { fillPath, parametersOf } from './sample-resources.ts';

const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];
const policy = createPolicy([...kernelModules.permissions, ...apps]);
const roles: readonly Role[] = ['owner', 'admin', 'member', 'viewer'];
const guarded = routes.filter((route) => route.access !== 'public');

let server: TestServer;
const clients = new Map<Role, TestClient>();

beforeAll(async () => {
  const limits = [...new Set(routes.map((route) => `${route.limit.name}=100000/60`))].join(',');
  server = await startTestServer({ environment: { LIMITS: limits } });
  await server.signUpOwner(); // runs the server; nobody below does
  const owner = await server.secondTenant();
  const team = await createTeam(owner);
  clients.set('owner', owner.client);
  for (const role of roles.slice(1)) clients.set(role, (await addMember(server, team, role)).client);
});
afterAll(() => server?.[Symbol.asyncDispose]());

/**
 * A refusal of the policy comes before anything else is looked at; what is let through stops at a body that is
 * compressed, so that no route does anything here.
 */
async function isLetThrough(client: TestClient, route: Route): Promise<boolean> {
  const path = fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, newId()])));
  const isRead = route.key.startsWith('GET ');
  const answer = await client.ask(
    path,
    isRead
      ? { headers: { accept: 'application/json, text/event-stream' } }
      : { body: '{}', headers: { 'content-encoding': 'gzip' } },
  );
  if (answer.status === 403) expect([route.id, answer.json.code]).toEqual([route.id, 'FORBIDDEN']);
  else if (!isRead) expect([route.id, answer.status]).toEqual([route.id, 415]);
  return answer.status !== 403;
}

function expected(role: Role, { access }: Route): boolean {
  if (access === 'operator') return false;
  return typeof access === 'string' || policy.allows(role, access.permission);
}

describe.each(roles)('%s', (role) => {
  test(`[K3.5] every route answers a ${role} as the policy says`, async () => {
    const client = clients.get(role);
    if (!client) throw new Error(`there is no ${role}`);
    expect(guarded.length).toBeGreaterThan(40);
    const wrong: string[] = [];
    for (const route of guarded)
      if ((await isLetThrough(client, route)) !== expected(role, route)) wrong.push(`${role}: ${route.key}`);
    expect(wrong).toEqual([]);
  });
});

test('[K3.5] viewers hold no permission to write anything', () => {
  const names = Object.keys(policy.permissions);
  expect(names.length).toBeGreaterThan(10);
  // What starts with auth. concerns one's own account, such as keys that can do no more than oneself.
  const shared = names.filter((name) => !name.startsWith('auth.'));
  expect(shared.filter((name) => policy.allows('viewer', name) && !name.endsWith('.read'))).toEqual([]);
});

test('[K3.5] whatever changes something of the organisation asks for a permission: signed in alone is for what is one’s own', () => {
  const own =
    /^(auth|organisation)\.|^(runs?|files?|storage|notifications|push|mail)\.|^privacy\.(account|export|import)|^support\.visit\.end$/;
  const open = guarded.filter(
    ({ key, access, id }) => access === 'signed-in' && !key.startsWith('GET ') && !own.test(id),
  );
  expect(open.map((route) => route.key)).toEqual([]);
});

test('[K3.5] the API reference says of every route which permission it needs, and what that lets one do', async () => {
  const { json } = await server.anonymous.expect(200, 'GET /openapi.json');
  for (const { key, access, id } of guarded) {
    if (typeof access === 'string') continue;
    const [method = '', path = ''] = key.split(' ');
    const described = json.paths[path][method.toLowerCase()];
    const sentence = policy.permissions[access.permission];
    expect([id, described['x-permission'], described.description]).toEqual([
      id,
      access.permission,
      expect.stringContaining(`\`${access.permission}\`: ${sentence}`),
    ]);
  }
});
