/** Files over HTTP: who has a link and belongs to the organisation gets the bytes, in a form no browser runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import type { ObjectStore, StoredObject } from './index.ts';

let server: TestServer;
let store: ObjectStore;
let owner: Tenant;
let stranger: Tenant;
let note: StoredObject;

beforeAll(async () => {
  server = await startTestServer({ environment: { LIMITS: 'kernel.file.read=20/60' } });
  store = server.services.storage;
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
  note = await put('notes/Ä.txt', 'text/plain', 'grüezi');
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function put(filename: string, contentType: string, text: string): Promise<StoredObject> {
  return store.put(owner.principal, { filename, contentType, body: Buffer.from(text), maxBytes: 1_000 });
}

/** The route of a link that `signer`'s organisation would be given. */
function linkTo(object: StoredObject, signer: Tenant = owner): string {
  return `GET ${store.signUrl(signer.principal, object.id, 3_600).replace('/api/v1', '')}`;
}

test('[K13.1] a link gives the bytes, to be kept privately until it ends', async () => {
  const answer = await owner.client.expect(200, linkTo(note));
  expect(answer.text).toBe('grüezi');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'cache-control': expect.stringMatching(/^private, max-age=\d{4}, immutable$/),
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': `inline; filename="notes__.txt"; filename*=UTF-8''notes%2F%C3%84.txt`,
    'x-content-type-options': 'nosniff',
    'content-length': '7',
    etag: `"${note.sha256}"`,
  });
});

test('[K13.1] HTML is downloaded, and harmless even where a browser shows it', async () => {
  const page = await put('page.html', 'text/html', '<script>alert(1)</script>');
  const { headers } = await owner.client.expect(200, linkTo(page));
  expect(headers.get('content-disposition')).toMatch(/^attachment;/);
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*; sandbox$/);
});

test("[K3.4] another organisation gets 404, with the owner's link or one of its own making", async () => {
  await stranger.client.expect(404, linkTo(note));
  await stranger.client.expect(404, linkTo(note, stranger));
});

test('[K13.1] without a session a link gives 401', async () => {
  await server.anonymous.expect(401, linkTo(note));
});

test('[K13.1] a forged or lengthened link gives 403, a removed object 404', async () => {
  const route = linkTo(note);
  const forged = await owner.client.expect(403, route.replace(/signature=.*/, `signature=${'A'.repeat(43)}`));
  expect(forged.json.code).toBe('FILE_LINK_INVALID');
  await owner.client.expect(403, route.replace(/expires=\d+/, 'expires=4102444800'));
  const removed = await put('gone.txt', 'text/plain', 'x');
  await server.services.db.withTenant(owner.principal, (tx) => store.remove(tx, removed.id));
  await owner.client.expect(404, linkTo(removed));
});

test.each(['', '?expires=1', '?signature=x&expires=x', `?expires=1&signature=${'A'.repeat(43)}&more=1`])(
  '[K5.1] the query %j is 400',
  async (query) => {
    const { json } = await owner.client.expect(400, `GET /files/${note.id}${query}`);
    expect(json.errors.length).toBeGreaterThan(0);
  },
);

test('[K5.1] a path that is no id is 400, an unknown id 404', async () => {
  const query = linkTo(note).replace(/^.*\?/, '');
  await owner.client.expect(400, `GET /files/..%2f..%2fsecrets?${query}`);
  await owner.client.expect(404, `GET /files/${newId()}?${query}`);
});

test('[K4.1] downloads are limited per person', async () => {
  const answers = await Promise.all(Array.from({ length: 21 }, () => owner.client.ask(linkTo(note))));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/);
});
