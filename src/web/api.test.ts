import { z } from 'zod';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { defineContract } from '#kernel/contract';
import { ApiProblem, buildPath, createApi, onSessionLost } from './api.ts';

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
  'POST /auth/sign-in': { summary: 'Sign in', body: z.strictObject({ password: z.string() }) },
});
const api = createApi<typeof contract>();

interface Sent {
  readonly url: string;
  readonly init: RequestInit & { readonly headers: Record<string, string> };
}

function answerWith(...answers: (Response | Error)[]): Sent[] {
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

afterEach(() => {
  vi.unstubAllGlobals();
  onSessionLost(() => Promise.resolve(false));
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
    let asked = 0;
    onSessionLost(async () => {
      asked += 1;
      return true;
    });
    const sent = answerWith(unauthenticated(), unauthenticated(), json(201, { id: '1' }), json(201, { id: '2' }));
    const ids = await Promise.all([
      api('POST /notes', { body: { text: 'a' } }),
      api('POST /notes', { body: { text: 'b' } }),
    ]);
    expect(ids).toEqual([{ id: '1' }, { id: '2' }]);
    expect(asked).toBe(1);
    expect(sent[2]?.init.headers['idempotency-key']).toBe(sent[0]?.init.headers['idempotency-key']);
  });

  test('a person who declines gets the problem; a wrong password is never taken for a lost session', async () => {
    answerWith(unauthenticated());
    await expect(api('GET /notes')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    let asked = 0;
    onSessionLost(() => {
      asked += 1;
      return Promise.resolve(true);
    });
    answerWith(unauthenticated());
    await expect(api('POST /auth/sign-in', { body: { password: 'x' } })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(asked).toBe(0);
  });
});
