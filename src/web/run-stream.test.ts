import { afterEach, describe, expect, test, vi } from 'vitest';
import { ApiProblem, sessionLost } from './api.ts';
import type { RunEvent } from './fold-run-events.ts';
import { followRun, startRun } from './run-stream.ts';

/** Each request takes the next script: frames to send, then `end` to close politely or `break` to tear the connection. */
interface Script {
  readonly status?: number;
  readonly frames?: readonly string[];
  readonly body?: unknown;
  readonly then?: 'end' | 'break' | 'refuse';
  readonly headers?: Record<string, string>;
}

interface Seen {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

function scriptNetwork(scripts: Script[]): Seen[] {
  const seen: Seen[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    seen.push({ url, method: init.method ?? 'GET', headers: init.headers as Record<string, string>, body: init.body });
    const script = scripts.shift();
    if (!script) throw new Error('the script is over');
    if (script.then === 'refuse') throw new TypeError('Failed to fetch');
    if (script.status && script.status >= 400)
      return new Response(JSON.stringify(script.body), { status: script.status });
    return new Response(streamOf(script), {
      status: 200,
      headers: { 'content-type': 'text/event-stream', ...script.headers },
    });
  });
  return seen;
}

function streamOf({ frames = [], then = 'end' }: Script): ReadableStream<Uint8Array> {
  const bytes = frames.map((frame) => new TextEncoder().encode(frame));
  return new ReadableStream({
    pull(controller) {
      const next = bytes.shift();
      if (next) controller.enqueue(next);
      else if (then === 'break') controller.error(new TypeError('network error'));
      else controller.close();
    },
  });
}

const frame = (id: string, type: string, data: object = {}) =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
const pause = () => Promise.resolve();

async function collect(events: AsyncGenerator<RunEvent>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id, type } of events) ids.push(`${id} ${type}`);
  return ids;
}

const unauthenticated = { status: 401, body: { code: 'UNAUTHENTICATED', status: 401, isRetryable: false } };
let stopAsking: () => void = () => undefined;

afterEach(() => {
  vi.unstubAllGlobals();
  stopAsking();
});

describe('followRun', () => {
  test('[K12.2] a broken connection is resumed at Last-Event-ID; every event arrives once and in order', async () => {
    const seen = scriptNetwork([
      {
        frames: [frame('1-1', 'step-started'), ': keep-alive\n\n', frame('1-2', 'text-delta').slice(0, 12)],
        then: 'break',
      },
      { then: 'refuse' },
      { frames: [frame('1-1', 'step-started'), frame('1-2', 'text-delta')], then: 'end' },
      { frames: [frame('1-2', 'text-delta'), frame('1-3', 'done', { state: 'succeeded' })] },
    ]);
    expect(await collect(followRun('r1', { pause }))).toEqual(['1-1 step-started', '1-2 text-delta', '1-3 done']);
    expect(seen.map(({ url }) => url)).toEqual(Array(4).fill('/api/v1/runs/r1/events'));
    expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1-1', '1-1', '1-2']);
  });

  test('[K12.2] frames torn at any byte, also inside a character, are put together again', async () => {
    const bytes = new TextEncoder().encode(
      frame('1-1', 'text-delta', { text: 'Zürich 🚢' }) + frame('1-2', 'done', { state: 'succeeded' }),
    );
    for (let cut = 1; cut < bytes.length; cut += 1) {
      vi.stubGlobal('fetch', async () => new Response(new Blob([bytes.slice(0, cut), bytes.slice(cut)]).stream()));
      const events: RunEvent[] = [];
      for await (const event of followRun('r1', { pause })) events.push(event);
      expect(events.map(({ data }) => data)).toEqual([{ text: 'Zürich 🚢' }, { state: 'succeeded' }]);
    }
  });

  test('a run that does not exist is refused once, not asked for again', async () => {
    const seen = scriptNetwork([
      { status: 404, body: { code: 'RUN_NOT_FOUND', status: 404, detail: 'Gone.', isRetryable: false } },
    ]);
    await expect(collect(followRun('r1', { pause }))).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: 'Gone.',
    });
    expect(seen).toHaveLength(1);
  });

  test('a server that is restarting (503) is asked again; a lost session is asked for and then goes on', async () => {
    stopAsking = sessionLost.onAsked(() => sessionLost.answer(true));
    const seen = scriptNetwork([
      { status: 503, body: { code: 'UNAVAILABLE', status: 503, isRetryable: true } },
      unauthenticated,
      { frames: [frame('1-1', 'done', { state: 'succeeded' })] },
    ]);
    expect(await collect(followRun('r1', { pause }))).toEqual(['1-1 done']);
    expect(seen).toHaveLength(3);
  });

  test('[K2.4] while the person would rather not sign in, it waits without asking, and goes on once they have', async () => {
    let asked = 0;
    stopAsking = sessionLost.onAsked(() => {
      asked += 1;
      sessionLost.answer(false);
    });
    const seen = scriptNetwork([unauthenticated, { frames: [frame('1-1', 'done', { state: 'succeeded' })] }]);
    const collected = collect(followRun('r1', { pause }));
    await expect.poll(() => sessionLost.isDeclined()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve)); // what is due by then has happened
    expect({ asked, sent: seen.length }).toEqual({ asked: 1, sent: 1 });
    sessionLost.answer(true);
    expect(await collected).toEqual(['1-1 done']);
    expect(asked).toBe(1);
  });

  test('[K2.4] leaving the page ends that waiting', async () => {
    stopAsking = sessionLost.onAsked(() => sessionLost.answer(false));
    scriptNetwork([unauthenticated]);
    const abort = new AbortController();
    const collected = collect(followRun('r1', { pause, signal: abort.signal }));
    await expect.poll(() => sessionLost.isDeclined()).toBe(true);
    abort.abort();
    expect(await collected).toEqual([]);
  });

  test('aborting ends the following without an error', async () => {
    const abort = new AbortController();
    scriptNetwork([{ frames: [frame('1-1', 'step-started'), frame('1-2', 'text-delta')] }]);
    const ids: string[] = [];
    for await (const { id } of followRun('r1', { pause, signal: abort.signal })) {
      ids.push(id);
      abort.abort();
    }
    expect(ids[0]).toBe('1-1');
    expect(ids.length).toBeLessThanOrEqual(2);
  });

  test('the waiting between attempts grows and is bounded', async () => {
    const waits: number[] = [];
    scriptNetwork([
      ...Array.from({ length: 8 }, () => ({ then: 'refuse' as const })),
      { frames: [frame('1-1', 'done', { state: 'failed' })] },
    ]);
    await collect(followRun('r1', { pause: (milliseconds) => (waits.push(milliseconds), Promise.resolve()) }));
    expect(waits).toHaveLength(8);
    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
  });
});

describe('startRun', () => {
  test('[K5.4] [K12.2] sends once, repeats a lost answer with the same key, then follows the run it was told', async () => {
    const seen = scriptNetwork([
      { then: 'refuse' },
      { headers: { location: '/api/v1/runs/r9' }, frames: [frame('1-1', 'step-started')], then: 'break' },
      { frames: [frame('1-2', 'done', { state: 'succeeded' })] },
    ]);
    expect(await collect(startRun({ path: '/conversations/c/messages', body: { text: 'Hi' } }, { pause }))).toEqual([
      '1-1 step-started',
      '1-2 done',
    ]);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/v1/conversations/c/messages',
      'POST /api/v1/conversations/c/messages',
      'GET /api/v1/runs/r9/events',
    ]);
    expect(seen[0]?.headers['idempotency-key']).toBe(seen[1]?.headers['idempotency-key']);
    expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  });

  test('[K2.4] a message that was to be sent is refused when the person would rather not sign in', async () => {
    stopAsking = sessionLost.onAsked(() => sessionLost.answer(false));
    scriptNetwork([unauthenticated]);
    await expect(collect(startRun({ path: '/x', body: {} }, { pause }))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  test('a refusal of the message is thrown', async () => {
    scriptNetwork([
      { status: 409, body: { code: 'RUN_ALREADY_ACTIVE', status: 409, isRetryable: false, detail: 'Busy.' } },
    ]);
    await expect(collect(startRun({ path: '/x', body: {} }, { pause }))).rejects.toBeInstanceOf(ApiProblem);
  });
});
