/** A key runs once, whatever races, crashes or comes late. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { isAppError } from '#kernel/errors';
import { newId } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import {
  createIdempotency,
  hashRequest,
  parseIdempotencyKey,
  type Idempotency,
  type IdempotencyScope,
  type Ticket,
} from './index.ts';

const hash = hashRequest({ body: { name: 'Ada' } });
const answer = { status: 201, headers: { location: '/x/1' }, body: '{"id":"1"}' };
let ground: TestDatabase;
let idempotency: Idempotency;
let scope: IdempotencyScope;

beforeAll(async () => {
  ground = await createTestDatabase();
  idempotency = createIdempotency({ db: ground.db });
});

beforeEach(() => {
  scope = { tenantId: newId(), userId: newId(), route: 'agents.agent.create' };
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

async function beginRun(key: string, by = idempotency, requestHash = hash): Promise<Ticket> {
  const beginning = await by.begin(scope, key, requestHash);
  if (beginning.kind !== 'run') throw new Error('expected to run');
  return beginning.ticket;
}

/** act is a route's effect: a row of kernel.objects stands for whatever a handler writes. */
async function act(ticket: Ticket): Promise<void> {
  await ground.db.withTenant(scope, async (tx) => {
    const values = [newId(), scope.tenantId];
    await tx.query({
      text: `insert into kernel.objects (id, tenant_id, filename, content_type, size_bytes, sha256) values ($1, $2, 'f', 'text/plain', 0, repeat('0', 64))`,
      values,
    });
    await idempotency.confirm(tx, ticket);
  });
}

async function countEffects(): Promise<number> {
  const rows = await ground.db.withTenant(scope, (tx) => tx.query({ text: 'select id from kernel.objects' }));
  return rows.length;
}

test('[K5.4] the same key with the same body gives the first answer', async () => {
  const ticket = await beginRun('k');
  await act(ticket);
  await idempotency.complete(ticket, answer);
  expect(await idempotency.begin(scope, 'k', hash)).toEqual({ kind: 'replay', ...answer });
  expect(await countEffects()).toBe(1);
});

test('[K5.4] an answer without content is replayed as such', async () => {
  await idempotency.complete(await beginRun('k'), { status: 204, headers: {}, body: null });
  expect(await idempotency.begin(scope, 'k', hash)).toEqual({ kind: 'replay', status: 204, headers: {}, body: null });
});

test('[K5.4] the same key with another body is 422, running or answered', async () => {
  const ticket = await beginRun('k');
  const other = hashRequest({ body: { name: 'Bob' } });
  await expect(idempotency.begin(scope, 'k', other)).rejects.toMatchObject({
    code: 'IDEMPOTENCY_KEY_REUSED',
    status: 422,
  });
  await idempotency.complete(ticket, answer);
  await expect(idempotency.begin(scope, 'k', other)).rejects.toMatchObject({
    code: 'IDEMPOTENCY_KEY_REUSED',
    status: 422,
  });
});

test('[K5.4] while the first request runs, a second is 409 with a wait', async () => {
  const ticket = await beginRun('k');
  const expected = { code: 'IDEMPOTENCY_IN_PROGRESS', status: 409, options: { retryAfterSeconds: 1 } };
  await expect(idempotency.begin(scope, 'k', hash)).rejects.toMatchObject(expected);
  await act(ticket);
  await expect(idempotency.begin(scope, 'k', hash)).rejects.toMatchObject(expected);
});

test('[K5.4] keys of other callers, organisations and routes are other keys', async () => {
  await idempotency.complete(await beginRun('k'), answer);
  for (const other of [{ userId: newId() }, { tenantId: newId() }, { route: 'agents.agent.copy' }]) {
    expect(await idempotency.begin({ ...scope, ...other }, 'k', hash)).toMatchObject({ kind: 'run' });
  }
});

test('[K5.4] 100 requests with one key at once: one effect, the others hear 409 or the same answer', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, async () => {
      try {
        const beginning = await idempotency.begin(scope, 'race', hash);
        if (beginning.kind === 'replay') return beginning.body;
        await act(beginning.ticket);
        await idempotency.complete(beginning.ticket, answer);
        return 'ran';
      } catch (error) {
        if (isAppError(error)) return error.code;
        throw error;
      }
    }),
  );
  expect(outcomes.filter((outcome) => outcome === 'ran')).toHaveLength(1);
  const others = new Set(outcomes.filter((outcome) => outcome !== 'ran'));
  expect([...others].every((outcome) => outcome === answer.body || outcome === 'IDEMPOTENCY_IN_PROGRESS')).toBe(true);
  expect(await countEffects()).toBe(1);
});

test('[K5.4] a failure without effect frees the key for the next try', async () => {
  await idempotency.abandon(await beginRun('k'));
  expect(await idempotency.begin(scope, 'k', hash)).toMatchObject({ kind: 'run' });
});

test('[K5.4] a holder that died before its effect: after its lease one retry of many runs', async () => {
  const impatient = createIdempotency({ db: ground.db, leaseSeconds: 0 });
  await beginRun('k', impatient);
  const retries = await Promise.allSettled(Array.from({ length: 20 }, () => idempotency.begin(scope, 'k', hash)));
  expect(retries.filter((retry) => retry.status === 'fulfilled')).toHaveLength(1);
});

test('[K5.4] a holder that was only slow cannot take effect after a retry took over', async () => {
  const impatient = createIdempotency({ db: ground.db, leaseSeconds: 0 });
  const slow = await beginRun('k', impatient);
  const retry = await beginRun('k');
  await expect(act(slow)).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' });
  await act(retry);
  await idempotency.complete(slow, { ...answer, body: '"late"' });
  await idempotency.abandon(slow);
  await idempotency.complete(retry, answer);
  expect(await idempotency.begin(scope, 'k', hash)).toEqual({ kind: 'replay', ...answer });
  expect(await countEffects()).toBe(1);
});

test.each([
  ['the role for accounts', (work: Parameters<TestDatabase['db']['withAuth']>[0]) => ground.db.withAuth(work)],
  [
    'another organisation',
    (work: Parameters<TestDatabase['db']['withAuth']>[0]) =>
      ground.db.withTenant({ tenantId: newId(), userId: newId() }, work),
  ],
])(
  '[K5.4] an act of %s confirms its key in its own transaction, and is rolled back once a retry took over',
  async (_who, open) => {
    const impatient = createIdempotency({ db: ground.db, leaseSeconds: 0 });
    const slow = await beginRun('k', impatient);
    const retry = await beginRun('k', impatient);
    await expect(open((tx) => idempotency.confirm(tx, slow))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_IN_PROGRESS',
    });
    const failing = open(async (tx) => {
      await idempotency.confirm(tx, retry);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    const last = await beginRun('k', impatient);
    await open((tx) => idempotency.confirm(tx, last));
    await expect(idempotency.begin(scope, 'k', hash)).rejects.toMatchObject({ code: 'IDEMPOTENCY_ANSWER_LOST' });
  },
);

test('[K5.4] the role for accounts confirms only the lease it was handed, and reads no key', async () => {
  const ticket = await beginRun('k');
  const guess = { ...ticket, leaseId: newId() };
  await expect(ground.db.withAuth((tx) => idempotency.confirm(tx, guess))).rejects.toMatchObject({
    code: 'IDEMPOTENCY_IN_PROGRESS',
  });
  const reading = ground.db.withAuth((tx) => tx.query({ text: 'select key from kernel.idempotency_keys' }));
  await expect(reading).rejects.toMatchObject({ code: '42501' });
});

test('[K5.4] a holder that died between effect and answer: a retry hears that it took effect and repeats nothing', async () => {
  const impatient = createIdempotency({ db: ground.db, leaseSeconds: 0 });
  await act(await beginRun('k', impatient));
  await expect(idempotency.begin(scope, 'k', hash)).rejects.toMatchObject({
    code: 'IDEMPOTENCY_ANSWER_LOST',
    status: 409,
  });
  expect(await countEffects()).toBe(1);
});

test('[K5.4] a handler that fails after its effect keeps the key, and a retry hears so at once', async () => {
  const ticket = await beginRun('k');
  await act(ticket);
  await idempotency.abandon(ticket);
  await expect(idempotency.begin(scope, 'k', hash)).rejects.toMatchObject({ code: 'IDEMPOTENCY_ANSWER_LOST' });
});

test('[K5.4] an answer too long to keep still blocks a second effect', async () => {
  const ticket = await beginRun('k', createIdempotency({ db: ground.db, leaseSeconds: 0 }));
  await idempotency.complete(ticket, { status: 200, headers: {}, body: JSON.stringify('x'.repeat(1_000_001)) });
  await expect(idempotency.begin(scope, 'k', hash)).rejects.toMatchObject({ code: 'IDEMPOTENCY_ANSWER_LOST' });
});

test('[K5.4] after 24 hours the key is free, and pruning deletes exactly what is over', async () => {
  const forgetful = createIdempotency({ db: ground.db, keepSeconds: 0 });
  await forgetful.complete(await beginRun('old', forgetful), answer);
  await idempotency.complete(await beginRun('new'), answer);
  expect(await idempotency.begin(scope, 'old', hashRequest({ body: 'another' }))).toMatchObject({ kind: 'run' });
  await forgetful.complete(await beginRun('older', forgetful), answer);
  expect(await idempotency.prune()).toBe(1);
  expect(await idempotency.begin(scope, 'new', hash)).toMatchObject({ kind: 'replay' });
});

test('[K3.3] nobody else of the organisation reads a stored answer', async () => {
  await idempotency.complete(await beginRun('k'), answer);
  const colleague = { tenantId: scope.tenantId, userId: newId() };
  const seen = await ground.db.withTenant(colleague, (tx) =>
    tx.query({ text: 'select id from kernel.idempotency_keys' }),
  );
  expect(seen).toEqual([]);
});

test.each([
  [undefined, null],
  ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  [' "a b, c" ', 'a b, c'],
  [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
])('[K5.4] the header %j is the key %j', (header, key) => {
  expect(parseIdempotencyKey(header)).toBe(key);
});

test.each([
  '',
  '""',
  ' ',
  'a b',
  'a,b',
  '"a',
  'a"',
  '"a"b"',
  String.raw`"a\x"`,
  '"ä"',
  'ä',
  '"a\n"',
  '"a";p=1',
  'x'.repeat(256),
])('[K5.4] the header %j is refused with 400', (header) => {
  let thrown: unknown;
  try {
    parseIdempotencyKey(header);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'IDEMPOTENCY_KEY_INVALID', status: 400 });
});

test('[K5.4] the order of members does not make another request; path, query and values do', () => {
  const request = { params: { id: '1' }, query: {}, body: { a: 1, b: { c: [1, 2], d: null } } };
  expect(hashRequest({ body: { b: { d: null, c: [1, 2] }, a: 1 }, params: { id: '1' }, query: {} })).toBe(
    hashRequest(request),
  );
  expect(hashRequest({ ...request, params: { id: '2' } })).not.toBe(hashRequest(request));
  expect(hashRequest({ ...request, query: { q: '1' } })).not.toBe(hashRequest(request));
  expect(hashRequest({ ...request, body: { a: 1, b: { c: [2, 1], d: null } } })).not.toBe(hashRequest(request));
});

test('[K5.4] where the answer was lost, an act that recognises its own effect runs again at once, and one retry of many', async () => {
  const first = await beginRun('recognised');
  await act(first);
  await expect(idempotency.begin(scope, 'recognised', hash)).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' });
  const retries = await Promise.allSettled(
    Array.from({ length: 20 }, () => idempotency.begin(scope, 'recognised', hash, { isRecognised: true })),
  );
  const begun = retries.flatMap((retry) => (retry.status === 'fulfilled' ? [retry.value] : []));
  expect(begun).toMatchObject([{ kind: 'run' }]);
  // Who was only slow tells its own caller, and keeps nothing.
  await idempotency.complete(first, { ...answer, body: 'late' });
  const [again] = begun;
  if (again?.kind !== 'run') throw new Error('it did not run');
  await idempotency.complete(again.ticket, answer);
  expect(await idempotency.begin(scope, 'recognised', hash)).toEqual({ kind: 'replay', ...answer });
});
