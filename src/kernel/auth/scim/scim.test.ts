/** A directory lets its people in and puts them out, and reaches nobody else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import {
  connectDirectory,
  patchOf,
  person,
  provision,
  roleIn,
  type DirectoryTeam,
} from '../../../testing/directory-team.ts';
import { cookieHeader, startIdentityServer, type IdentityServer } from '../../../testing/identity-server.ts';

let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer({
    environment: { LIMITS: 'auth.directory-write=10000/60,auth.scim-refused=30/60' },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const connect = () => connectDirectory(server);
const roleOf = (team: DirectoryTeam, email: string) => roleIn(server, team, email);

test('[K2.5] a directory lets a person of its proved domain in; unknown attributes are left aside', async () => {
  const team = await connect();
  const email = `grace@${team.domain}`;
  const answer = await team.scim('POST /Users', person(email, { externalId: 'ext-1' }));
  expect(answer.status).toBe(201);
  expect(answer.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
  expect(answer.headers.get('location')).toContain(`/api/v1/scim/v2/Users/${answer.json.id}`);
  expect(answer.json).toMatchObject({
    userName: email,
    externalId: 'ext-1',
    displayName: 'Grace Hopper',
    active: true,
    emails: [{ value: email, primary: true }],
    meta: { resourceType: 'User' },
  });
  expect(answer.text).not.toContain('Navy');
  expect(await roleOf(team, email)).toBe('member');
  const again = await team.scim('POST /Users', person(email.toUpperCase(), { emails: [{ value: email }] }));
  expect([again.status, again.json.scimType, again.json.status]).toEqual([409, 'uniqueness', '409']);
  const audited = await server.asAuth(
    `select actor_kind from kernel.audit_records where tenant_id = $1 and action = 'auth.scim.user.create'`,
    [team.tenantId],
  );
  expect(audited).toEqual([{ actor_kind: 'system' }]);
});

test('[K2.5] it takes over nobody: not of another domain, not an account whose address was never confirmed', async () => {
  const team = await connect();
  const foreign = await team.scim('POST /Users', person('ceo@elsewhere.example'));
  expect([foreign.status, foreign.json.detail]).toEqual([403, expect.stringContaining('SCIM_DOMAIN_NOT_PROVED')]);
  const disguised = await team.scim(
    'POST /Users',
    person(`me@${team.domain}`, { emails: [{ value: 'ceo@elsewhere.example' }] }),
  );
  expect(disguised.status).toBe(403);
  const email = `early@${team.domain}`;
  await server.signUp('Early', { email });
  const taken = await team.scim('POST /Users', person(email));
  expect([taken.status, taken.json.scimType]).toEqual([409, 'uniqueness']);
  expect(await roleOf(team, email)).toBeNull();
  await server.asAuth('update auth.users set email_verified = true where email = $1', [email]);
  expect((await team.scim('POST /Users', person(email))).status).toBe(201);
  expect(await roleOf(team, email)).toBe('member');
});

test('[K2.5] a directory of one organisation sees and changes nothing of another’s', async () => {
  const [ours, theirs] = [await connect(), await connect()];
  const victim = await provision(theirs, 'victim');
  const group = await theirs.scim('POST /Groups', { displayName: 'Engineers', members: [{ value: victim.id }] });
  for (const [route, body] of [
    [`GET /Users/${victim.id}`, undefined],
    [`PUT /Users/${victim.id}`, person(victim.email)],
    [`PATCH /Users/${victim.id}`, patchOf({ op: 'replace', path: 'active', value: false })],
    [`DELETE /Users/${victim.id}`, undefined],
    [`GET /Groups/${group.json.id}`, undefined],
    [`PUT /Groups/${group.json.id}`, { displayName: 'x' }],
    [`PATCH /Groups/${group.json.id}`, patchOf({ op: 'remove', path: 'members' })],
    [`DELETE /Groups/${group.json.id}`, undefined],
  ] as const) {
    expect([route, (await ours.scim(route, body)).status]).toEqual([route, 404]);
  }
  const stolen = await ours.scim('POST /Groups', { displayName: 'Stolen', members: [{ value: victim.id }] });
  expect(stolen.json.members).toEqual([]);
  expect((await ours.scim('GET /Users')).json).toMatchObject({ totalResults: 0, Resources: [] });
  expect(await roleOf(theirs, victim.email)).toBe('member');
});

test('[K2.5] active: false ends membership, sessions, keys and tokens at once, and no invitation leads back', async () => {
  const team = await connect();
  const { id, email } = await provision(team, 'leaver');
  const [{ userId } = { userId: '' }] = await server.asAuth<{ userId: string }>(
    'select id as "userId" from auth.users where email = $1',
    [email],
  );
  const key = newId();
  const { formatToken, hashSecret, newSecret } = await import('../bearer-token.ts');
  const secret = newSecret();
  await server.asAuth(
    `insert into auth.api_keys (id, tenant_id, user_id, name, secret_hash, last_four, scopes, requests_per_minute)
     values ($1, $2, $3, 'Mine', $4, 'abcd', array['auth.api-key.use'], 600)`,
    [key, team.tenantId, userId, hashSecret(secret)],
  );
  const bearer = formatToken('bhk', key, secret);
  expect((await server.ask('GET /session', { bearer })).status).toBe(200);
  // As Entra ID writes it.
  const answer = await team.scim(`PATCH /Users/${id}`, patchOf({ op: 'Replace', path: 'active', value: 'False' }));
  expect([answer.status, answer.json.active]).toEqual([200, false]);
  expect((await server.ask('GET /session', { bearer })).status).toBe(401);
  expect(await roleOf(team, email)).toBeNull();
  await expect(
    server.asAuth(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'admin')`, [
      team.tenantId,
      userId,
    ]),
  ).rejects.toThrow('deactivated');
  const back = await team.scim(
    `PATCH /Users/${id}`,
    patchOf({ op: 'replace', value: { active: true, 'name.familyName': 'Byron' } }),
  );
  expect(back.json).toMatchObject({ active: true, name: { givenName: 'Grace', familyName: 'Byron' } });
  expect(await roleOf(team, email)).toBe('member');
  expect((await server.ask('GET /session', { bearer })).status).toBe(401);
  expect((await team.scim(`DELETE /Users/${id}`)).status).toBe(204);
  expect(await roleOf(team, email)).toBeNull();
  expect((await team.scim(`GET /Users/${id}`)).status).toBe(404);
  expect(await server.asAuth('select id from auth.users where email = $1', [email])).toHaveLength(1);
});

test('[K2.5] an owner is not put out by the directory', async () => {
  const team = await connect();
  const { id, email } = await provision(team, 'chief');
  await server.asAuth(
    `update auth.members set role = 'owner' where tenant_id = $1 and user_id = (select id from auth.users where email = $2)`,
    [team.tenantId, email],
  );
  const answer = await team.scim(`DELETE /Users/${id}`);
  expect([answer.status, answer.json.scimType]).toEqual([409, 'mutability']);
  expect(await roleOf(team, email)).toBe('owner');
});

test('[K2.5] filters and pages work as the standard says, and hostile ones are refused', async () => {
  const team = await connect();
  for (const name of ['ann', 'bob', 'cyd']) await provision(team, name);
  const find = async (filter: string) => {
    const answer = await team.scim(`GET /Users?filter=${encodeURIComponent(filter)}`);
    return answer.status === 200
      ? answer.json.Resources.map((user: { userName: string }) => user.userName.split('@')[0])
      : [answer.status, answer.json.scimType];
  };
  expect(await find(`userName eq "BOB@${team.domain}"`)).toEqual(['bob']);
  expect(await find(`userName sw "a" or userName co "yd@"`)).toEqual(['ann', 'cyd']);
  expect(await find(`active eq true and not (userName sw "b")`)).toEqual(['ann', 'cyd']);
  expect(await find(`emails.value ew "${team.domain}" and externalId pr`)).toEqual([]);
  expect(await find(`userName eq "x' or 1=1 --"`)).toEqual([]);
  expect(await find(`userName sw "%"`)).toEqual([]);
  for (const filter of [
    'userName',
    'userName eq',
    'password eq "x"',
    'userName gt 3',
    '((((',
    `${'not ('.repeat(20)}active eq true${')'.repeat(20)}`,
    'emails[type eq "work"',
    'emails[emails[type eq "work"]]',
  ])
    expect([filter, await find(filter)]).toEqual([filter, [400, 'invalidFilter']]);
  const page = await team.scim('GET /Users?startIndex=2&count=1');
  expect(page.json).toMatchObject({ totalResults: 3, startIndex: 2, itemsPerPage: 1 });
  expect(page.json.Resources[0].userName).toContain('bob');
  expect((await team.scim('GET /Users?count=0')).json).toMatchObject({ totalResults: 3, Resources: [] });
  expect((await team.scim('GET /Users?startIndex=-5&count=100000')).json).toMatchObject({
    startIndex: 1,
    itemsPerPage: 3,
  });
});

test('[K2.5] groups give the roles that an owner gave to them, and take them back', async () => {
  const team = await connect();
  const ann = await provision(team, 'ann');
  const bob = await provision(team, 'bob');
  const created = await team.scim('POST /Groups', { displayName: 'Administrators', members: [{ value: ann.id }] });
  expect(created.status).toBe(201);
  expect(await roleOf(team, ann.email)).toBe('member');
  const route = `PATCH /directory/groups/${created.json.id}`;
  expect((await server.ask(route, { cookie: team.cookie, body: { role: 'admin' } })).json).toMatchObject({
    role: 'admin',
    memberCount: 1,
  });
  expect((await server.ask(route, { cookie: team.cookie, body: { role: 'owner' } })).status).toBe(400);
  expect(await roleOf(team, ann.email)).toBe('admin');
  await team.scim(
    `PATCH /Groups/${created.json.id}`,
    patchOf(
      { op: 'add', path: 'members', value: [{ value: bob.id }] },
      { op: 'remove', path: `members[value eq "${ann.id}"]` },
    ),
  );
  expect([await roleOf(team, ann.email), await roleOf(team, bob.email)]).toEqual(['member', 'admin']);
  const spared = await team.scim(
    `GET /Groups?excludedAttributes=members&filter=${encodeURIComponent(`members eq "${bob.id}"`)}`,
  );
  expect(spared.json.Resources).toHaveLength(1);
  expect(spared.json.Resources[0]).not.toHaveProperty('members');
  expect((await team.scim(`GET /Users/${bob.id}`)).json.groups).toEqual([
    { value: created.json.id, display: 'Administrators' },
  ]);
  const viewers = await team.scim('POST /Groups', { displayName: 'Visitors', members: [{ value: ann.id }] });
  await server.ask(`PATCH /directory/groups/${viewers.json.id}`, { cookie: team.cookie, body: { role: 'viewer' } });
  expect(await roleOf(team, ann.email)).toBe('viewer');
  expect((await team.scim(`DELETE /Groups/${created.json.id}`)).status).toBe(204);
  expect(await roleOf(team, bob.email)).toBe('member');
  const twin = await team.scim('POST /Groups', { displayName: 'VISITORS' });
  expect([twin.status, twin.json.scimType]).toEqual([409, 'uniqueness']);
});

test('[K2.5] without a token that counts there is nothing but what the service can do, and errors have their form', async () => {
  const team = await connect();
  for (const name of ['ServiceProviderConfig', 'ResourceTypes', 'Schemas']) {
    const answer = await server.ask(`GET /scim/v2/${name}`, { isProgram: true });
    expect([name, answer.status, answer.headers.get('content-type')]).toEqual([
      name,
      200,
      'application/scim+json; charset=utf-8',
    ]);
  }
  const address = server.newAddress();
  const ask = (bearer: string) => server.ask('GET /scim/v2/Users', { bearer, address });
  const wrong = `${team.token.slice(0, -1)}${team.token.endsWith('A') ? 'B' : 'A'}`;
  expect((await ask(wrong)).json).toMatchObject({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: '401',
  });
  const statuses = [];
  for (let tries = 0; tries < 31; tries += 1) statuses.push((await ask(wrong)).status);
  expect(statuses.at(-1)).toBe(429);
  expect((await ask(team.token)).status).toBe(200);
  expect((await server.ask('GET /scim/v2/Users', { cookie: team.cookie })).status).toBe(401);
  const bad = await team.scim('POST /Users', { userName: '' });
  expect([bad.status, bad.json.scimType]).toEqual([400, 'invalidValue']);
  for (const operation of [
    { op: 'replace', path: 'userName', value: 7 },
    { op: 'replace', value: 'x' },
    { op: 'remove' },
  ]) {
    const { id } = await provision(team, `p${newId()}`);
    expect((await team.scim(`PATCH /Users/${id}`, patchOf(operation))).status).toBe(400);
  }
});

test('[K2.5] tokens of a directory are made by owners of teams, listed without the secret, and revoked at once', async () => {
  const team = await connect();
  const list = await server.ask('GET /directory/tokens', { cookie: team.cookie });
  expect(list.json.items).toEqual([
    { id: expect.any(String), name: 'Entra ID', lastUsedAt: null, createdAt: expect.any(String) },
  ]);
  expect(list.text).not.toContain('bsc_');
  await team.scim('GET /Users');
  expect((await server.ask('GET /directory/tokens', { cookie: team.cookie })).json.items[0].lastUsedAt).not.toBeNull();
  const id: string = list.json.items[0].id;
  const stranger = await connect();
  expect((await server.ask(`DELETE /directory/tokens/${id}`, { cookie: stranger.cookie })).status).toBe(404);
  expect((await server.ask(`DELETE /directory/tokens/${id}`, { cookie: team.cookie })).status).toBe(204);
  expect((await team.scim('GET /Users')).status).toBe(401);
  const alone = cookieHeader((await server.signUp('Hermit')).cookies);
  const refused = await server.ask('POST /directory/tokens', { cookie: alone, body: { name: 'x' } });
  expect([refused.status, refused.json.code]).toEqual([409, 'ORGANISATION_PERSONAL']);
});
