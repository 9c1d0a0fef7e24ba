/** A person's picture is theirs: seen by those they share an organisation with, replaced whole, gone with all its bytes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { asAdmin } from '../../testing/as-admin.ts';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';

let server: TestServer;
let owner: Tenant;
let stranger: Tenant;
beforeAll(async () => {
  server = await startTestServer({ environment: { LIMITS: 'auth.picture=1000/60' } });
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const paint = (background: string, format: 'png' | 'jpeg' = 'png') =>
  sharp({ create: { width: 600, height: 400, channels: 3, background } })
    .toFormat(format)
    .toBuffer();

const put = async ({ client }: Tenant, bytes: Uint8Array) =>
  client.upload('PUT /profile/picture', { name: 'me.png', type: 'image/png', bytes });

/** viewAt fetches a picture as a page does. */
async function viewAt({ client }: Tenant, url: string): Promise<Response> {
  return client.open(`GET ${url.replace('/api/v1', '')}`);
}

const objectsOf = (tenant: Tenant) =>
  asAdmin(server.database, (query) =>
    query(`select id from kernel.objects where tenant_id = $1`, [tenant.principal.tenantId]),
  );

test('[K5.3] [K13.1] a picture is set, shown in three sizes with an address that may be kept for ever, and removed', async () => {
  const set = await put(owner, await paint('red', 'jpeg'));
  expect([set.status, set.text]).toEqual([200, expect.any(String)]);
  const url: string = set.json.user.pictureUrl;
  expect((await owner.client.expect(200, 'GET /session')).json.user.pictureUrl).toBe(url);
  for (const [size, width] of [
    ['', 96],
    ['&size=320', 320],
    ['&size=512', 400],
  ] as const) {
    const response = await viewAt(owner, url + size);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/webp',
      'cache-control': expect.stringMatching(/^private, max-age=315\d{5}, immutable$/),
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
    });
    expect(await sharp(await response.arrayBuffer()).metadata()).toMatchObject({
      format: 'webp',
      width,
      height: width,
    });
  }
  const removed = await owner.client.expect(200, 'DELETE /profile/picture');
  expect(removed.json.user.pictureUrl).toBeNull();
  expect((await viewAt(owner, url)).status).toBe(404);
  expect(await objectsOf(owner)).toEqual([]);
  const actions = await asAdmin(server.database, (query) =>
    query<{ action: string }>(`select action from kernel.audit_records where action like 'auth.picture.%' order by id`),
  );
  expect(actions.map(({ action }) => action)).toEqual(['auth.picture.update', 'auth.picture.remove']);
});

test('[K13.1] a new picture has a new address, and nothing of the one before is left', async () => {
  const first: string = (await put(owner, await paint('red'))).json.user.pictureUrl;
  const before = await objectsOf(owner);
  const second: string = (await put(owner, await paint('blue'))).json.user.pictureUrl;
  expect(second).not.toBe(first);
  expect((await viewAt(owner, first)).status).toBe(404);
  expect((await viewAt(owner, second)).status).toBe(200);
  const after = await objectsOf(owner);
  expect(after).toHaveLength(before.length);
  expect(after).not.toEqual(expect.arrayContaining(before));
});

test('[K13.1] of many pictures set at once one stays, with its bytes and no others', async () => {
  const answers = await Promise.all(
    ['red', 'blue', 'green', 'black'].map(async (colour) => put(owner, await paint(colour))),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const { json } = await owner.client.expect(200, 'GET /session');
  expect((await viewAt(owner, json.user.pictureUrl)).status).toBe(200);
  expect(await objectsOf(owner)).toHaveLength(3);
});

test('[K3.4] a stranger does not see it; a colleague in a shared organisation does, and only there', async () => {
  const url: string = (await put(owner, await paint('red'))).json.user.pictureUrl;
  expect((await viewAt(stranger, url)).status).toBe(404);
  const version = new URL(url, server.url).searchParams.get('version') ?? '';
  const { userId } = stranger.principal;
  expect((await viewAt(stranger, `/api/v1/members/${userId}/picture?version=${version}`)).status).toBe(404);
  const share = (sql: string) =>
    asAdmin(server.database, (query) => query(sql, [stranger.principal.tenantId, owner.principal.userId]));
  await share(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'viewer')`);
  expect((await viewAt(stranger, url)).status).toBe(200);
  await share('delete from auth.members where tenant_id = $1 and user_id = $2');
  expect((await viewAt(stranger, url)).status).toBe(404);
});

test('[K5.3] text that an outside provider put in its place is no picture, and touches nobody else’s', async () => {
  const url: string = (await put(owner, await paint('red'))).json.user.pictureUrl;
  const version = new URL(url, server.url).searchParams.get('version') ?? '';
  const setImage = (text: string | null) =>
    asAdmin(server.database, (query) =>
      query('update auth.users set image = $2 where id = $1', [stranger.principal.userId, text]),
    );
  await setImage('https://provider.example/p.png');
  expect((await stranger.client.expect(200, 'GET /session')).json.user.pictureUrl).toBeNull();
  await setImage(version);
  const claimed: string = (await stranger.client.expect(200, 'GET /session')).json.user.pictureUrl;
  expect((await viewAt(stranger, claimed)).status).toBe(404);
  await setImage(null);
  expect((await viewAt(owner, url)).status).toBe(200);
});

test('[K13.1] a deleted account takes its picture along', async () => {
  const leaver = await server.secondTenant();
  await put(leaver, await paint('red'));
  expect(await objectsOf(leaver)).toHaveLength(3);
  await asAdmin(server.database, (query) => query('delete from auth.users where id = $1', [leaver.principal.userId]));
  expect(await objectsOf(leaver)).toEqual([]);
});

test('[K5.3] the limits are told before anybody uploads', async () => {
  expect((await owner.client.expect(200, 'GET /upload-limits')).json).toEqual({
    fileMaxBytes: 50 * 1_048_576,
    pictureMaxBytes: 5 * 1_048_576,
    pictureMaxEdge: 2048,
  });
});
