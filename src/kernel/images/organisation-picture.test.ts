/** An organisation's picture is set by those who run it, seen by its members through signed links, and goes whole. */
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin } from '../../testing/as-admin.ts';
import { signUpViewer } from '../../testing/agents-fixture.ts';
import { startTestServer, type Tenant, type TestServer } from '../../testing/server.ts';

let server: TestServer;
let owner: Tenant;
beforeAll(async () => {
  server = await startTestServer({ environment: { LIMITS: 'organisation.picture=1000/60' } });
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const paint = (background: string) =>
  sharp({ create: { width: 300, height: 200, channels: 3, background } })
    .png()
    .toBuffer();

const put = (tenant: Pick<Tenant, 'client'>, bytes: Uint8Array) =>
  tenant.client.upload('PUT /organisation/picture', { name: 'logo.png', type: 'image/png', bytes });

const countObjects = async ({ principal }: Tenant) =>
  (
    await asAdmin(server.database, (query) =>
      query('select 1 from kernel.objects where tenant_id = $1', [principal.tenantId]),
    )
  ).length;

test('[K13.1] it is set, served by signed links that may be kept, replaced and removed with all its bytes', async () => {
  expect((await owner.client.expect(200, 'GET /organisation/picture')).json).toEqual({ picture: null });
  const set = await put(owner, await paint('red'));
  expect([set.status, set.text]).toEqual([200, expect.any(String)]);
  const { smallUrl, largeUrl } = set.json.picture;
  for (const [url, width] of [
    [smallUrl, 96],
    [largeUrl, 200],
  ] as const) {
    const response = await owner.client.open(`GET ${(url as string).replace('/api/v1', '')}`);
    expect(response.headers.get('cache-control')).toMatch(/^private, max-age=\d+, immutable$/);
    expect(await sharp(await response.arrayBuffer()).metadata()).toMatchObject({
      format: 'webp',
      width,
      height: width,
    });
  }
  const before = await countObjects(owner);
  const again = await Promise.all(['blue', 'green', 'black'].map(async (colour) => put(owner, await paint(colour))));
  expect(again.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await countObjects(owner)).toBe(before);
  expect((await owner.client.ask(`GET ${smallUrl.replace('/api/v1', '')}`)).status).toBe(404);
  expect((await owner.client.expect(200, 'DELETE /organisation/picture')).json).toEqual({ picture: null });
  expect(await countObjects(owner)).toBe(0);
  expect((await owner.client.expect(200, 'DELETE /organisation/picture')).json).toEqual({ picture: null });
});

test('[K3.4] [K3.5] a link works in its organisation alone, and whoever only reads cannot set a picture', async () => {
  const { json } = await put(owner, await paint('red'));
  const stranger = await server.secondTenant();
  expect((await stranger.client.ask(`GET ${json.picture.largeUrl.replace('/api/v1', '')}`)).status).toBe(404);
  expect((await stranger.client.expect(200, 'GET /organisation/picture')).json).toEqual({ picture: null });
  const viewer = await signUpViewer(server);
  expect((await put({ client: viewer }, await paint('red'))).json).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  expect((await viewer.ask('DELETE /organisation/picture')).status).toBe(403);
});

test('[K7.2] setting and removing are on record', async () => {
  await put(owner, await paint('red'));
  await owner.client.expect(200, 'DELETE /organisation/picture');
  const rows = await asAdmin(server.database, (query) =>
    query<{ action: string }>(
      `select action from kernel.audit_records where tenant_id = $1 and action like 'organisation.picture.%' order by id desc limit 2`,
      [owner.principal.tenantId],
    ),
  );
  expect(rows.map(({ action }) => action)).toEqual(['organisation.picture.remove', 'organisation.picture.update']);
});
