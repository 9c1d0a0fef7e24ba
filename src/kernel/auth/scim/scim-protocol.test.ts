/** The finer points of RFC 7644 as Entra ID and Okta use them: order, versions, selection, filters and paths. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectDirectory,
  patchOf,
  person,
  provision,
  roleIn,
  type DirectoryTeam,
} from '../../../testing/directory-team.ts';
import { startIdentityServer, type IdentityServer } from '../../../testing/identity-server.ts';

let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer({ environment: { LIMITS: 'auth.directory-write=10000/60' } });
});
afterAll(() => server[Symbol.asyncDispose]());

const connect = () => connectDirectory(server);

/** find lists the names before the @ of who comes, in their order; the refusal when there is one. */
async function find(team: DirectoryTeam, query: Record<string, string>): Promise<unknown> {
  const answer = await team.scim(`GET /Users?${new URLSearchParams(query)}`);
  if (answer.status !== 200) return [answer.status, answer.json.scimType];
  return answer.json.Resources.map((user: { userName: string }) => user.userName.split('@')[0]);
}

describe('lists', () => {
  test('[K2.5] they come sorted by what is asked for, what has no value last, and pages neither overlap nor miss', async () => {
    const team = await connect();
    const familyNames = { ann: 'zorn', bob: 'Adams', cyd: undefined, dan: 'adams' } as const;
    for (const [name, familyName] of Object.entries(familyNames))
      await team.scim('POST /Users', person(`${name}@${team.domain}`, { name: { familyName }, displayName: name }));
    const by = (sortBy: string, sortOrder?: string) => find(team, { sortBy, ...(sortOrder ? { sortOrder } : {}) });
    expect(await by('userName', 'descending')).toEqual(['dan', 'cyd', 'bob', 'ann']);
    expect(await by('name.familyName')).toEqual(['bob', 'dan', 'ann', 'cyd']);
    expect(await by('name.familyName', 'Descending')).toEqual(['cyd', 'ann', 'bob', 'dan']);
    expect(await by('urn:ietf:params:scim:schemas:core:2.0:User:userName')).toEqual(['ann', 'bob', 'cyd', 'dan']);
    expect(await by('meta.created', 'descending')).toEqual(['dan', 'cyd', 'bob', 'ann']);
    const paged: unknown[] = [];
    for (const startIndex of ['1', '2', '3', '4', '5'])
      paged.push(...((await find(team, { sortBy: 'active', startIndex, count: '1' })) as unknown[]));
    expect(paged).toEqual(['ann', 'bob', 'cyd', 'dan']);
    expect(await by('password')).toEqual([400, 'invalidPath']);
    expect(await by('userName; drop table auth.users')).toEqual([400, 'invalidPath']);
    expect(await by('constructor')).toEqual([400, 'invalidPath']);
    expect(await by('userName', 'sideways')).toEqual([400, 'invalidValue']);
    const config = (await server.ask('GET /scim/v2/ServiceProviderConfig', { isProgram: true })).json;
    expect([config.sort, config.etag, config.bulk.supported]).toEqual([
      { supported: true },
      { supported: true },
      false,
    ]);
  });

  test('[K2.5] filters compare as the standard says, whatever their case, grouping and absent values', async () => {
    const team = await connect();
    for (const name of ['ann', 'bob', 'cyd']) await provision(team, name);
    const ann = (await team.scim(`GET /Users?filter=${encodeURIComponent('userName sw "ann"')}`)).json.Resources[0];
    await team.scim(`PATCH /Users/${ann.id}`, patchOf({ op: 'add', path: 'externalId', value: 'Ex"\\1' }));
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['externalId eq "Ex\\"\\\\1"', ['ann']],
      ['externalId eq "ex\\"\\\\1"', []],
      ['externalId eq "\\u0045x\\"\\\\1"', ['ann']],
      ['externalId ne "other"', ['ann', 'bob', 'cyd']],
      ['not (externalId eq "Ex\\"\\\\1")', ['bob', 'cyd']],
      ['not (externalId pr)', ['bob', 'cyd']],
      ['externalId eq null', ['bob', 'cyd']],
      ['USERNAME GT "b" AND userName le "c"', ['bob']],
      ['userName ge "bob" and userName lt "cyd"', ['bob']],
      ['active eq "True"', ['ann', 'bob', 'cyd']],
      ['active ne true or active pr', ['ann', 'bob', 'cyd']],
      [`emails[type eq "work" and value eq "BOB@${team.domain}"]`, ['bob']],
      ['emails[primary eq false]', []],
      ['emails.type eq "home"', []],
      ['userName sw "a" or userName sw "b" and userName sw "c"', ['ann']],
      ['(userName sw "a" or userName sw "b") and userName sw "b"', ['bob']],
      [
        'meta.created gt "2020-01-01T00:00:00Z" and not (meta.lastModified gt "2199-01-01T00:00:00Z")',
        ['ann', 'bob', 'cyd'],
      ],
      [`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "cyd"`, ['cyd']],
      ['displayName co "?"', []],
      ['userName ew "$1::text"', []],
    ];
    for (const [filter, names] of cases) expect([filter, await find(team, { filter })]).toEqual([filter, names]);
    const hostile = [
      'userName eq "a\u0000b"',
      'userName eq "\\u0000"',
      'meta.created gt "yesterday"',
      'meta.created co "2020-01-01T00:00:00Z"',
      'active gt true',
      'constructor eq "x"',
      '__proto__ pr',
      'userName eq "x" userName eq "y"',
      'userName eq "x" and',
      'not userName eq "x"',
      'userName eq x',
      "userName eq 'x'",
      '"userName" eq "x"',
      `${'('.repeat(200)}active eq true${')'.repeat(200)}`,
      `userName eq "${'\\'.repeat(401)}`,
      ' '.repeat(499),
      `${'a'.repeat(490)}!`,
    ];
    for (const filter of hostile) {
      const start = performance.now();
      const [status] = (await find(team, { filter })) as [number];
      expect([filter, status]).toEqual([filter, 400]);
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });

  test('[K2.5] attributes that are not asked for stay away', async () => {
    const team = await connect();
    const { id } = await provision(team, 'ann');
    const only = await team.scim(
      `GET /Users/${id}?attributes=userName,urn:ietf:params:scim:schemas:core:2.0:User:name.givenName`,
    );
    expect(Object.keys(only.json).sort()).toEqual(['id', 'name', 'schemas', 'userName']);
    const without = await team.scim('GET /Users?excludedAttributes=emails,meta,id');
    expect(Object.keys(without.json.Resources[0]).sort()).toEqual([
      'active',
      'displayName',
      'groups',
      'id',
      'name',
      'schemas',
      'userName',
    ]);
  });
});

describe('versions', () => {
  test('[K2.5] whoever has the present version is told so, and an old one changes nothing', async () => {
    const team = await connect();
    const { id } = await provision(team, 'ann');
    const first = await team.scim(`GET /Users/${id}`);
    const old = first.json.meta.version;
    expect([first.headers.get('etag'), old]).toEqual([old, expect.stringMatching(/^W\/"[\w-]{22}"$/)]);
    const same = await team.scim(`GET /Users/${id}`, undefined, { 'if-none-match': `"x", ${old}` });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', old]);
    const rename = patchOf({ op: 'replace', path: 'displayName', value: 'Ann' });
    const changed = await team.scim(`PATCH /Users/${id}`, rename, { 'if-match': old });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, changed.json.meta.version]);
    expect(changed.json.meta.version).not.toBe(old);
    for (const [route, body] of [
      [`PATCH /Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false })],
      [`PUT /Users/${id}`, person(`ann@${team.domain}`)],
      [`DELETE /Users/${id}`, undefined],
    ] as const) {
      const refused = await team.scim(route, body, { 'if-match': old });
      expect([route, refused.status, refused.json.status]).toEqual([route, 412, '412']);
    }
    expect((await team.scim(`GET /Users/${id}`, undefined, { 'if-none-match': old })).status).toBe(200);
    expect((await team.scim(`PATCH /Users/${id}`, rename, { 'if-match': '*' })).status).toBe(200);
    // What is in it counts too, not only when it was last written.
    const now = (await team.scim(`GET /Users/${id}`)).json.meta.version;
    const group = await team.scim('POST /Groups', { displayName: 'G', members: [{ value: id }] });
    expect((await team.scim(`GET /Users/${id}`)).json.meta.version).not.toBe(now);
    expect(group.headers.get('etag')).toBe(group.json.meta.version);
    const stale = { 'if-match': 'W/"stale"' };
    expect((await team.scim(`DELETE /Groups/${group.json.id}`, undefined, stale)).status).toBe(412);
    expect(
      (await team.scim(`PATCH /Groups/${group.json.id}`, patchOf({ op: 'remove', path: 'members' }), stale)).status,
    ).toBe(412);
    expect(
      (await team.scim(`DELETE /Groups/${group.json.id}`, undefined, { 'if-match': group.json.meta.version })).status,
    ).toBe(204);
  });
});

describe('changes', () => {
  test('[K2.5] paths and values are taken as Entra ID and Okta write them', async () => {
    const team = await connect();
    const { id } = await provision(team, 'ann');
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const answer = await team.scim(
      `PATCH /Users/${id}`,
      patchOf(
        { op: 'REPLACE', path: 'urn:ietf:params:scim:schemas:core:2.0:User:name.givenName', value: 'Ann' },
        { op: 'Add', value: { 'name.familyName': 'Lee', active: 'True', [`${enterprise}:department`]: 'Navy' } },
        { op: 'Replace', path: 'addresses[type eq "work"].formatted', value: 'Street 1' },
        { op: 'Add', path: `${enterprise}:manager`, value: 'somebody' },
        { op: 'Replace', path: 'emails[type eq "home"].value', value: 'home@elsewhere.example' },
        { op: 'Remove', path: 'displayName' },
      ),
    );
    expect([answer.status, answer.json]).toMatchObject([
      200,
      {
        displayName: 'Ann Lee',
        name: { givenName: 'Ann', familyName: 'Lee' },
        active: true,
        emails: [{ value: `ann@${team.domain}` }],
      },
    ]);
    const gone = await team.scim(`PATCH /Users/${id}`, patchOf({ op: 'remove', path: 'name' }));
    expect(gone.json.name).toEqual({});
    for (const [operation, scimType] of [
      [{ op: 'replace', path: 'emails[type eq', value: 'x' }, 'invalidPath'],
      [{ op: 'replace', path: 'a b', value: 'x' }, 'invalidPath'],
      [{ op: 'move', path: 'userName', value: 'x' }, 'invalidValue'],
      [{ op: 'replace', path: 'active', value: 'perhaps' }, 'invalidValue'],
      [{ op: 'remove', path: 'userName' }, 'invalidValue'],
      [{ op: 'remove', path: 'active' }, 'invalidValue'],
    ] as const) {
      const refused = await team.scim(`PATCH /Users/${id}`, patchOf(operation));
      expect([operation, refused.status, refused.json.scimType]).toEqual([operation, 400, scimType]);
    }
    const harmless = patchOf(
      { op: 'replace', path: 'constructor', value: 'x' },
      { op: 'add', value: { constructor: 'x' } },
    );
    expect((await team.scim(`PATCH /Users/${id}`, harmless)).status).toBe(200);
  });

  test('[K2.5] groups take members one by one, by list and by path, and lose them the same ways', async () => {
    const team = await connect();
    const [ann, bob, cyd] = [await provision(team, 'ann'), await provision(team, 'bob'), await provision(team, 'cyd')];
    const { id } = (await team.scim('POST /Groups', { displayName: 'Dom\\ain' })).json;
    const members = async (...operations: unknown[]) => {
      const answer = await team.scim(`PATCH /Groups/${id}`, patchOf(...operations));
      return answer.status === 200
        ? answer.json.members.map(({ display }: { display: string }) => display).length
        : [answer.status, answer.json.scimType];
    };
    expect(await members({ op: 'Add', path: 'members', value: { value: ann.id } })).toBe(1);
    expect(await members({ op: 'Add', value: { members: [{ value: ann.id }, { value: bob.id }] } })).toBe(2);
    expect(await members({ op: 'Add', path: 'Members', value: [{ value: cyd.id, $ref: null }] })).toBe(3);
    expect(await members({ op: 'Remove', path: `members[value eq "${ann.id.toUpperCase()}"]` })).toBe(2);
    expect(await members({ op: 'Remove', path: 'members', value: [{ value: bob.id }] })).toBe(1);
    expect(await members({ op: 'Remove', path: 'members', value: [] })).toBe(1);
    expect(await members({ op: 'Replace', path: 'members', value: [{ value: ann.id }] })).toBe(1);
    expect(await members({ op: 'Replace', value: { id, displayName: 'Renamed' } })).toBe(1);
    expect(await members({ op: 'Remove', path: 'members[display eq "x"]' })).toEqual([400, 'invalidPath']);
    expect(await members({ op: 'Remove' })).toEqual([400, 'invalidPath']);
    expect(await members({ op: 'Remove', path: 'members' })).toBe(0);
    const slashed = await team.scim(`GET /Groups?filter=${encodeURIComponent('displayName eq "renamed"')}`);
    expect(slashed.json.Resources).toHaveLength(1);
  });

  test('[K2.5] a role goes with the last group that stood for one, whether the directory or an owner takes it away', async () => {
    const team = await connect();
    const [ann, bob] = [await provision(team, 'ann'), await provision(team, 'bob')];
    const roles = async () => [await roleIn(server, team, ann.email), await roleIn(server, team, bob.email)];
    const make = async (displayName: string) => {
      const { json } = await team.scim('POST /Groups', { displayName, members: [{ value: ann.id }] });
      await server.ask(`PATCH /directory/groups/${json.id}`, { cookie: team.cookie, body: { role: 'admin' } });
      return json.id;
    };
    const first = await make('First');
    expect(await roles()).toEqual(['admin', 'member']);
    await server.ask(`PATCH /directory/groups/${first}`, { cookie: team.cookie, body: { role: null } });
    expect(await roles()).toEqual(['member', 'member']);
    const second = await make('Second');
    expect(await roles()).toEqual(['admin', 'member']);
    expect((await team.scim(`DELETE /Groups/${second}`)).status).toBe(204);
    expect(await roles()).toEqual(['member', 'member']);
  });

  test('[K2.5] an address moves within the proved domains, never to or from elsewhere, and never somebody else’s', async () => {
    const team = await connect();
    const { id, email } = await provision(team, 'ann');
    const other = await provision(team, 'bob');
    const move = (value: string) =>
      team.scim(`PATCH /Users/${id}`, patchOf({ op: 'Replace', path: 'emails[type eq "work"].value', value }));
    expect((await move(`Ann.Lee@${team.domain}`)).json.emails[0].value).toBe(`ann.lee@${team.domain}`);
    expect((await move('ceo@elsewhere.example')).json.emails[0].value).toBe(`ann.lee@${team.domain}`);
    const taken = await move(other.email);
    expect([taken.status, taken.json.scimType]).toEqual([409, 'uniqueness']);
    expect((await team.scim(`PUT /Users/${id}`, person(email))).json.emails[0].value).toBe(email);
    // Whoever belongs to another organisation too, or owns this one, keeps their address.
    const elsewhere = await connect();
    const rows = await server.asAuth<{ id: string }>('select id from auth.users where email = $1', [email]);
    const userId = rows[0]?.id;
    const join = `insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'member')`;
    await server.asAuth(join, [elsewhere.tenantId, userId]);
    expect((await move(`new@${team.domain}`)).json.emails[0].value).toBe(email);
    await server.asAuth('delete from auth.members where tenant_id = $1 and user_id = $2', [elsewhere.tenantId, userId]);
    await server.asAuth(`update auth.members set role = 'owner' where tenant_id = $1 and user_id = $2`, [
      team.tenantId,
      userId,
    ]);
    expect((await move(`new@${team.domain}`)).json.emails[0].value).toBe(email);
    await server.asAuth(`update auth.members set role = 'member' where tenant_id = $1 and user_id = $2`, [
      team.tenantId,
      userId,
    ]);
    // Putting somebody out is never held up by an address.
    const out = person(other.email, { active: false });
    expect((await team.scim(`PUT /Users/${id}`, { ...out, userName: email })).status).toBe(200);
    expect(await roleIn(server, team, email)).toBeNull();
  });
});
