/** A server that is asked to end finishes what people wait for; one that is killed loses nothing of it. */
import { expect, test } from 'vitest';
import { parseEvents, waitFor, waitForAnswer, say, type TestEvent } from '../testing/agents-fixture.ts';
import type { Message, Turn } from '../apps/agents/contract.ts';
import { startWholeServer, type WholeServer } from '../testing/whole-server.ts';

const wordsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `w${index + 1} `).join('');
const textOf = (events: readonly TestEvent[]) =>
  events.flatMap(({ type, data }) => (type === 'text-delta' ? [data.text as string] : [])).join('');

interface Following {
  /** Everything received so far. */
  events(): TestEvent[];
  readonly over: Promise<void>;
}

/** follow reads a run's stream in the background, as a page does; a broken connection only ends it. */
async function follow(server: WholeServer, runId: string, lastEventId?: string): Promise<Following> {
  const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
  const response = await server.client.open(`GET /runs/${runId}/events`, { headers });
  expect(response.status).toBe(200);
  let text = '';
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body!) text += decoder.decode(bytes, { stream: true });
  };
  // What came before a break is whole frames plus half of one, which a browser drops too.
  return {
    events: () => parseEvents(text.slice(0, text.lastIndexOf('\n\n') + 2)),
    over: read().catch(() => undefined),
  };
}

async function beginAnswer(server: WholeServer, model: string): Promise<{ turn: Turn; page: Following }> {
  const turn = await say(server.client, await server.converse(model), 'Go');
  const page = await follow(server, turn.run.id);
  await waitFor('the first words', async () => textOf(page.events()).length > 10);
  return { turn, page };
}

/** tryToEnter asks as somebody new would: by a new connection. */
async function tryToEnter(server: WholeServer): Promise<number | 'refused'> {
  try {
    const response = await fetch(`${server.url}/api/v1/agents`, {
      headers: { cookie: server.client.cookie, connection: 'close' },
    });
    if (response.status === 503) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    await response.text();
    return response.status;
  } catch {
    return 'refused';
  }
}

async function messagesOf(server: WholeServer, turn: Turn): Promise<Message[]> {
  return (await server.client.expect(200, `GET /conversations/${turn.message.conversationId}/messages`)).json.items;
}

test('[K12.5] SIGTERM in mid-answer: the answer finishes on screen and is saved, new work is turned away meanwhile, exit code 0', async () => {
  await using server = await startWholeServer({ environment: { DRAIN_SECONDS: '20' } });
  const { turn, page } = await beginAnswer(server, 'scripted:tokens=240,gap=25');
  server.process.kill('SIGTERM');
  const entries = new Set<number | 'refused'>();
  await waitFor('new work to be turned away', async () => {
    const entry = await tryToEnter(server);
    if (entry !== 200) entries.add(entry);
    return entries.size > 0;
  });
  expect(page.events().some(({ type }) => type === 'done')).toBe(false);
  expect([[503], ['refused']]).toContainEqual([...entries]);
  await page.over;
  expect(page.events().at(-1)).toMatchObject({ type: 'done', data: { state: 'succeeded' } });
  expect(textOf(page.events())).toBe(wordsUpTo(240));
  expect(await server.process.exited).toBe(0);
  await server.startAgain();
  const [question, answer] = await messagesOf(server, turn);
  expect(question).toMatchObject({ role: 'user', text: 'Go' });
  expect(answer).toMatchObject({ state: 'complete', text: wordsUpTo(240) });
  expect(page.events().filter(({ type }) => type === 'attempt-started')).toHaveLength(1);
});

test('[K12.5] [K12.3] SIGTERM when the answer outlasts DRAIN_SECONDS: exit code 0 in time, and the next start goes on with it', async () => {
  await using server = await startWholeServer({ environment: { DRAIN_SECONDS: '1' } });
  const { turn, page } = await beginAnswer(server, 'scripted:tokens=300,gap=25');
  const askedAt = performance.now();
  server.process.kill('SIGTERM');
  expect(await server.process.exited).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(20_000);
  await page.over;
  const seen = page.events();
  expect(seen.some(({ type }) => type === 'done')).toBe(false);
  await server.startAgain();
  const rest = await follow(server, turn.run.id, seen.at(-1)!.id);
  await rest.over;
  expect(rest.events()[0]).toMatchObject({ type: 'attempt-started', data: { attempt: 2 } });
  expect(rest.events().at(-1)).toMatchObject({ type: 'done', data: { state: 'succeeded' } });
  expect(await waitForAnswer(server.client, turn)).toMatchObject({ state: 'complete', text: wordsUpTo(300) });
  expect((await messagesOf(server, turn)).map(({ text }) => text)).toEqual(['Go', wordsUpTo(300)]);
});

test('[K12.2] [K12.3] SIGKILL in mid-answer: the page that comes back gets the rest once and in order, and the answer is saved once', async () => {
  await using server = await startWholeServer();
  const { turn, page } = await beginAnswer(server, 'scripted:tokens=200,gap=20');
  server.process.kill('SIGKILL');
  await page.over;
  const seen = page.events();
  await server.startAgain();
  const rest = await follow(server, turn.run.id, seen.at(-1)!.id);
  await rest.over;
  const last = rest.events().findLastIndex(({ type }) => type === 'attempt-started');
  expect(last).toBeGreaterThanOrEqual(0);
  expect(textOf(rest.events().slice(last))).toBe(wordsUpTo(200));
  const numbers = rest
    .events()
    .slice(last)
    .map(({ id }) => id.split('-').map(Number));
  expect(numbers.map(([, seq]) => seq)).toEqual(numbers.map((_, index) => index + 1));
  expect(await waitForAnswer(server.client, turn)).toMatchObject({ state: 'complete', text: wordsUpTo(200) });
  expect(await messagesOf(server, turn)).toHaveLength(2);
});
