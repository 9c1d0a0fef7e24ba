import { z } from 'zod';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { defineContract } from '#kernel/contract';
import { ApiProblem, buildPath, createApi, organisationChanged, sessionLost, workIn } from './api.ts';
import type { Question } from './question.ts';

const contract = defineContract({
  'GET /notes': {
    summary: 'List',
    query: z.strictObject({ search: z.string().optional() }),
    response: z.strictObject({ items: z.array(z.string()) }),
  },
  'POST /notes': {
    summary: 'Add',
    body: z.strictObject({ text: z.string() }),
    response: z.strictObject({ id: z.string() }),
    status: 201,
  },
  'DELETE /notes/{noteId}': { summary: 'Delete', params: z.strictObject({ noteId: z.string() }), status: 204 },
  'GET /session': { summary: 'Who am I', response: z.strictObject({ name: z.string() }) },
  'POST /auth/sign-in': { summary: 'Sign in', body: z.strictObject({ password: z.string() }) },
});
const api = createApi<typeof contract>();

interface Sent {
  readonly url: string;
  readonly init: RequestInit & { readonly headers: Record<string, string> };
}

function answerWith(...answers: (Response | Error | Promise<Response>)[]): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal('fetch', async (url: string, init: Sent['init']) => {
    sent.push({ url, init });
    const answer = answers.shift();
    if (!answer || answer instanceof Error) throw answer ?? new Error('no more answers');
    return answer;
  });
  return sent;
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });
const unauthenticated = () =>
  json(401, { code: 'UNAUTHENTICATED', status: 401, detail: 'Sign in first.', requestId: 'q1', isRetryable: false });

let stopAsking: () => void = () => undefined;

/** person answers every time they are asked; returns how often that was. */
function person(question: Question, isYes: boolean): () => number {
  let asked = 0;
  stopAsking = question.onAsked(() => {
    asked += 1;
    question.answer(isYes);
  });
  return () => asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
  stopAsking();
  workIn(null);
});

describe('a call', () => {
  test('fills in path and query, encoded, and leaves out what is undefined', async () => {
    expect(buildPath('/a/{x}/b/{y}', { x: 'ü/..', y: 1 }, { q: 'a&b', none: undefined })).toBe(
      '/a/%C3%BC%2F../b/1?q=a%26b',
    );
    const sent = answerWith(json(200, { items: ['a'] }));
    expect(await api('GET /notes', { query: { search: 'x y' } })).toEqual({ items: ['a'] });
    expect(sent[0]?.url).toBe('/api/v1/notes?search=x+y');
    expect(sent[0]?.init.headers['idempotency-key']).toBeUndefined();
  });

  test('[K5.4] every POST carries an idempotency key; a given one is used', async () => {
    const sent = answerWith(json(201, { id: '1' }), json(201, { id: '1' }));
    await api('POST /notes', { body: { text: 'a' } });
    await api('POST /notes', { body: { text: 'a' }, idempotencyKey: 'mine' });
    expect(sent[0]?.init.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
    expect(sent[1]?.init.headers['idempotency-key']).toBe('mine');
  });

  test('an answer without content is undefined', async () => {
    answerWith(new Response(null, { status: 204 }));
    expect(await api('DELETE /notes/{noteId}', { params: { noteId: '1' } })).toBeUndefined();
  });
});

describe('a failure', () => {
  test('[K6.1] is an ApiProblem with sentence, error id, wait and field errors', async () => {
    const errors = [
      { pointer: '/body/text', detail: 'is empty' },
      { pointer: '/body/model/na~1me', detail: 'is odd' },
      { pointer: '/query/x', detail: 'unknown' },
    ];
    answerWith(
      json(
        400,
        {
          code: 'INVALID_REQUEST',
          status: 400,
          detail: 'Not well formed.',
          requestId: 'q7',
          isRetryable: false,
          errors,
        },
        { 'retry-after': '7' },
      ),
    );
    const problem = await api('POST /notes', { body: { text: '' } }).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(ApiProblem);
    expect(problem).toMatchObject({ message: 'Not well formed.', requestId: 'q7', status: 400, retryAfterSeconds: 7 });
    expect((problem as ApiProblem).fieldErrors()).toEqual({ text: 'is empty', 'model.na/me': 'is odd' });
  });

  test('no network and a proxy’s page of HTML become sentences too', async () => {
    answerWith(new TypeError('Failed to fetch'), new Response('<html>Bad gateway</html>', { status: 502 }));
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNREACHABLE', status: 0, isRetryable: true });
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'HTTP_502', status: 502, isRetryable: true });
  });

  test('giving up is told from failing', async () => {
    answerWith(new DOMException('stop', 'AbortError'));
    const abort = new AbortController();
    abort.abort();
    await expect(api('GET /notes', { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a lost session', () => {
  test('[K2.8] is asked for once for calls that fail together, and they are sent again with the same key', async () => {
    const asked = person(sessionLost, true);
    const sent = answerWith(unauthenticated(), unauthenticated(), json(201, { id: '1' }), json(201, { id: '2' }));
    const ids = await Promise.all([
      api('POST /notes', { body: { text: 'a' } }),
      api('POST /notes', { body: { text: 'b' } }),
    ]);
    expect(ids).toEqual([{ id: '1' }, { id: '2' }]);
    expect(asked()).toBe(1);
    expect(sent[2]?.init.headers['idempotency-key']).toBe(sent[0]?.init.headers['idempotency-key']);
  });

  test('[K3.1] has ended, too, for whose page it is when somebody else signed in in this browser', async () => {
    const asked = person(sessionLost, true);
    const elsewhere = json(409, { code: 'PERSON_CHANGED', status: 409, detail: 'Not you.', isRetryable: false });
    const sent = answerWith(elsewhere, json(201, { id: '1' }));
    expect(await api('POST /notes', { body: { text: 'a' } })).toEqual({ id: '1' });
    expect(asked()).toBe(1);
    expect(sent[1]?.init.headers['idempotency-key']).toBe(sent[0]?.init.headers['idempotency-key']);
  });

  test('a person who declines gets the problem; a wrong password is never taken for a lost session', async () => {
    answerWith(unauthenticated());
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const asked = person(sessionLost, true);
    answerWith(unauthenticated());
    await expect(api('POST /auth/sign-in', { body: { password: 'x' } })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(asked()).toBe(0);
  });
});

describe('a lost session whose refusals come one after the other', () => {
  const elsewhere = () =>
    json(409, { code: 'ORGANISATION_CHANGED', status: 409, detail: 'Elsewhere.', requestId: 'q2', isRetryable: false });

  test('[K2.4] a no holds for what was sent before it: nothing asks again, and the last to hear fails too', async () => {
    const asked = person(sessionLost, false);
    const late = Promise.withResolvers<Response>();
    answerWith(late.promise, unauthenticated());
    const write = api('POST /notes', { body: { text: 'a' } });
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    late.resolve(unauthenticated());
    await expect(write).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(asked()).toBe(1);
  });

  test('[K2.4] a yes holds for it too: it is sent again with the same key, without asking', async () => {
    const asked = person(sessionLost, true);
    const late = Promise.withResolvers<Response>();
    const sent = answerWith(late.promise, unauthenticated(), json(200, { items: [] }), json(201, { id: '1' }));
    const write = api('POST /notes', { body: { text: 'a' } });
    await api('GET /notes');
    late.resolve(unauthenticated());
    expect(await write).toEqual({ id: '1' });
    expect(asked()).toBe(1);
    expect(sent[3]?.init.headers['idempotency-key']).toBe(sent[0]?.init.headers['idempotency-key']);
  });

  test('[K2.4] after a no, what a page reads by itself asks nobody; what the person does asks anew', async () => {
    const asked = person(sessionLost, false);
    answerWith(...Array.from({ length: 4 }, unauthenticated));
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(asked()).toBe(1);
    await expect(api('POST /notes', { body: { text: 'a' } })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(asked()).toBe(2);
    sessionLost.answer(true);
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(asked()).toBe(3);
  });

  test('[K2.4] who leaves the page with the question open leaves no call waiting, and the next page asks anew', async () => {
    const isAsked = Promise.withResolvers<void>();
    const stop = sessionLost.onAsked(isAsked.resolve);
    answerWith(unauthenticated(), unauthenticated(), json(200, { items: [] }));
    const left = api('POST /notes', { body: { text: 'a' } });
    await isAsked.promise;
    stop();
    await expect(left).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const asked = person(sessionLost, true);
    expect(await api('GET /notes')).toEqual({ items: [] });
    expect(asked()).toBe(1);
  });

  test('[K2.4] who signs in again in another organisation is asked about that too, and the call is sent once more', async () => {
    const asked = person(sessionLost, true);
    const stop = organisationChanged.onAsked(() => organisationChanged.answer(true));
    const sent = answerWith(unauthenticated(), elsewhere(), json(201, { id: '1' }));
    expect(await api('POST /notes', { body: { text: 'a' } })).toEqual({ id: '1' });
    expect(asked()).toBe(1);
    expect(new Set(sent.map(({ init }) => init.headers['idempotency-key'])).size).toBe(1);
    stop();
  });

  test('[K2.4] a server that never takes the new session is not asked for ever', async () => {
    person(sessionLost, true);
    const sent = answerWith(...Array.from({ length: 9 }, unauthenticated));
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(sent).toHaveLength(3);
  });
});

describe('the organisation of a page', () => {
  const elsewhere = () =>
    json(409, { code: 'ORGANISATION_CHANGED', status: 409, detail: 'Elsewhere.', requestId: 'q2', isRetryable: false });

  test('[K3.1] is named in every call, but not in those that ask where one is', async () => {
    workIn({ organisationId: 'here', personId: 'ada' });
    const sent = answerWith(json(200, { items: [] }), json(200, { name: 'Ada' }), json(200, {}));
    await api('GET /notes');
    await api('GET /session');
    await api('POST /auth/sign-in', { body: { password: 'x' } });
    expect(sent.map(({ init }) => init.headers['x-organisation'])).toEqual(['here', undefined, undefined]);
    expect(sent.map(({ init }) => init.headers['x-person'])).toEqual(['ada', undefined, 'ada']);
  });

  test('[K3.1] when the session has gone elsewhere, the person decides once, and calls go on only after the way back', async () => {
    workIn({ organisationId: 'here', personId: 'ada' });
    answerWith(elsewhere());
    await expect(api('POST /notes', { body: { text: 'a' } })).rejects.toMatchObject({ code: 'ORGANISATION_CHANGED' });
    const asked = person(organisationChanged, true);
    const sent = answerWith(elsewhere(), elsewhere(), json(201, { id: '1' }), json(201, { id: '2' }));
    const made = await Promise.all([
      api('POST /notes', { body: { text: 'a' } }),
      api('POST /notes', { body: { text: 'b' } }),
    ]);
    expect(made).toEqual([{ id: '1' }, { id: '2' }]);
    expect(asked()).toBe(1);
    expect(sent[2]?.init.headers['idempotency-key']).toBe(sent[0]?.init.headers['idempotency-key']);
  });
});

test('[K17.5] who is signed in was asked by the page before its scripts: that answer is taken, once', async () => {
  const sent = answerWith(json(200, { name: 'Grace' }));
  globalThis.bulkheadEarly = Promise.resolve(json(200, { name: 'Ada' }));
  expect(await api('GET /session')).toEqual({ name: 'Ada' });
  expect(sent).toEqual([]);
  expect(await api('GET /session')).toEqual({ name: 'Grace' });
  expect(sent).toHaveLength(1);
});

test('[K17.5] an early answer that never came is a failure of the network like any other', async () => {
  answerWith();
  globalThis.bulkheadEarly = Promise.reject(new TypeError('Failed to fetch'));
  await expect(api('GET /session')).rejects.toMatchObject({ status: 0 });
});
