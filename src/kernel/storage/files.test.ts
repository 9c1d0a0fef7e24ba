/** Links to files work for whom they were made, until they end, and what they serve stays harmless. */
import { expect, test, afterAll, beforeAll } from 'vitest';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { contentDisposition, fileHeaders } from './file-headers.ts';
import { createObjectStore, type ObjectStore, type StoredObject } from './index.ts';

const scope = { tenantId: newId(), userId: newId() };
let nowMilliseconds = Date.now();
let ground: TestDatabase;
let store: ObjectStore;
let object: StoredObject;

beforeAll(async () => {
  ground = await createTestDatabase();
  store = createObjectStore({
    config: ground.config,
    db: ground.db,
    log: createLogger({ level: 'silent' }),
    now: () => nowMilliseconds,
  });
  object = await store.put(scope, {
    filename: 'note.txt',
    contentType: 'text/plain',
    body: Buffer.from('hello'),
    maxBytes: 100,
  });
});

afterAll(async () => {
  await store.close();
  await ground[Symbol.asyncDispose]();
});

function takeApart(url: string): { path: string; expires: number; signature: string } {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  return {
    path: pathname,
    expires: Number(searchParams.get('expires')),
    signature: searchParams.get('signature') ?? '',
  };
}

test('[K13.1] a link is a path of ours with an end and a signature, valid for its organisation and object alone', () => {
  const { path, ...query } = takeApart(store.signUrl(scope, object.id, 3_600));
  expect(path).toBe(`/api/v1/files/${object.id}`);
  expect(store.isSignatureValid(scope, object.id, query)).toBe(true);
  expect(store.isSignatureValid({ tenantId: newId() }, object.id, query)).toBe(false);
  expect(store.isSignatureValid(scope, newId(), query)).toBe(false);
});

test('[K13.1] a link cannot be lengthened, altered or used after its end', () => {
  const { expires, signature } = takeApart(store.signUrl(scope, object.id, 3_600));
  expect(store.isSignatureValid(scope, object.id, { expires: expires + 1, signature })).toBe(false);
  for (const bad of ['', 'AAAA', signature.slice(0, -1), `${signature}A`, 'A'.repeat(43)]) {
    expect({ bad, isValid: store.isSignatureValid(scope, object.id, { expires, signature: bad }) }).toEqual({
      bad,
      isValid: false,
    });
  }
  const before = nowMilliseconds;
  nowMilliseconds = expires * 1000 - 1;
  expect(store.isSignatureValid(scope, object.id, { expires, signature })).toBe(true);
  nowMilliseconds = expires * 1000;
  expect(store.isSignatureValid(scope, object.id, { expires, signature })).toBe(false);
  nowMilliseconds = before;
});

test('[K13.1] a link lives at most as long as asked, and is the same for a while so that caches hit', () => {
  const lifetime = 3_600;
  const before = nowMilliseconds;
  const links = new Set<string>();
  for (let minute = 0; minute < 60; minute += 1) {
    nowMilliseconds = before + minute * 60_000;
    const url = store.signUrl(scope, object.id, lifetime);
    links.add(url);
    const left = takeApart(url).expires - nowMilliseconds / 1000;
    expect(left).toBeGreaterThan(lifetime * 0.74);
    expect(left).toBeLessThanOrEqual(lifetime);
  }
  nowMilliseconds = before;
  expect(links.size).toBeLessThanOrEqual(5);
});

test('[K13.1] with another AUTH_SECRET no link works', () => {
  const authSecret = Buffer.alloc(32, 7).toString('base64');
  const other = createObjectStore({
    config: { ...ground.config, authSecret },
    db: ground.db,
    log: createLogger({ level: 'silent' }),
  });
  expect(other.isSignatureValid(scope, object.id, takeApart(store.signUrl(scope, object.id, 3_600)))).toBe(false);
});

test('[K13.1] caching ends with the link, after a year at most', () => {
  expect(fileHeaders(object, 1_000, 400_500)['cache-control']).toBe('private, max-age=599, immutable');
  expect(fileHeaders(object, 4_000_000_000, 0)['cache-control']).toBe('private, max-age=31536000, immutable');
  expect(fileHeaders(object, 1_000, 2_000_000)['cache-control']).toBe('private, max-age=0, immutable');
});

test.each(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'application/pdf', 'text/plain'])(
  '[K13.1] %s is shown in the browser',
  (contentType) => {
    expect(contentDisposition({ contentType, filename: 'f' })).toMatch(/^inline;/);
  },
);

test.each([
  'text/html',
  'image/svg+xml',
  'application/xhtml+xml',
  'text/xml',
  'application/javascript',
  'application/octet-stream',
])('[K13.1] %s is only downloaded, never shown', (contentType) => {
  expect(contentDisposition({ contentType, filename: 'f' })).toMatch(/^attachment;/);
});

test('[K13.1] a file name survives in any script and cannot break out of its header', () => {
  expect(contentDisposition({ contentType: 'text/plain', filename: `Bér"t's\\ (1)%.txt` })).toBe(
    `inline; filename="B_r_t's_ (1)_.txt"; filename*=UTF-8''B%C3%A9r%22t%27s%5C%20%281%29%25.txt`,
  );
});
