/** The main road: a person asks, an answer streams, and whatever happens to it nothing that was said is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createAgent,
  createConversation,
  parseEvents,
  say,
  startAgents,
  uploadAndRead,
  waitFor,
  waitForAnswer,
  type AgentsFixture,
  type TestEvent,
} from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { startModelServer, type ModelServer } from '../../../testing/model-server.ts';
import { newId } from '#kernel/ids';
import { citationsFound, turnDone, turnStarted, type Message } from '../contract.ts';
import { chatTurn } from './chat-turn.ts';

let fixture: AgentsFixture;
let models: ModelServer;
let connectionId: string;

beforeAll(async () => {
  models = await startModelServer();
  fixture = await startAgents({
    environment: {
      MODEL_PRIVATE_NETWORKS: '127.0.0.0/8',
      MODEL_IDLE_TIMEOUT_MS: '500',
      MODEL_FIRST_TOKEN_TIMEOUT_MS: '500',
    },
  });
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  connectionId = (await fixture.client.expect(201, 'POST /model-connections', { body })).json.id;
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await models.close();
});

const agentWith = (model: string) => createAgent(fixture.client, { model: { connectionId, model } });
const conversationWith = async (model: string) => createConversation(fixture.client, (await agentWith(model)).id);
const messagesOf = async (conversationId: string): Promise<Message[]> =>
  (await fixture.client.expect(200, `GET /conversations/${conversationId}/messages`)).json.items;
const eventsOf = async (runId: string, lastEventId?: string): Promise<TestEvent[]> => {
  const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
  return parseEvents((await fixture.client.expect(200, `GET /runs/${runId}/events`, { headers })).text);
};
const textOf = (events: readonly TestEvent[]) =>
  events
    .filter(({ type }) => type === 'text-delta')
    .map(({ data }) => data.text)
    .join('');
const slow = 'scripted:tokens=400,gap=20';
const slowText = Array.from({ length: 400 }, (_, index) => `w${index + 1} `).join('');

describe('[A6] an answer', () => {
  test('streams from the same request when the client accepts events, and is saved before done is told', async () => {
    const { client } = fixture;
    const conversation = await conversationWith('scripted:tokens=20,gap=2');
    const headers = { accept: 'text/event-stream' };
    const response = await client.expect(200, `POST /conversations/${conversation.id}/messages`, {
      body: { text: 'Tell me.' },
      headers,
    });
    expect(response.headers.get('location')).toMatch(/^\/api\/v1\/runs\/[0-9a-f-]{36}$/);
    const events = parseEvents(response.text);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['attempt-started', 'turn-started', 'text-delta', 'done']),
    );
    const [question, answer] = await messagesOf(conversation.id);
    expect(question).toMatchObject({ role: 'user', text: 'Tell me.', state: 'complete' });
    expect(answer).toMatchObject({
      role: 'assistant',
      text: textOf(events),
      state: 'complete',
      error: null,
      citations: [],
      model: { connectionId },
      usage: { outputTokens: 20, isEstimated: false },
    });
    expect(events.at(-1)).toMatchObject({
      type: 'done',
      data: { state: 'succeeded', messageId: answer!.id, conversationId: conversation.id, title: 'Tell me.' },
    });
    expect((await client.expect(200, `GET /conversations/${conversation.id}`)).json.activeRunId).toBeNull();
  });

  test('knows the conversation so far and the agent’s instructions', async () => {
    const { client } = fixture;
    const agent = await createAgent(client, {
      instructions: 'Speak like a pirate.',
      model: { connectionId, model: 'echo' },
      temperature: 0.3,
    });
    const conversation = await createConversation(client, agent.id);
    await waitForAnswer(client, await say(client, conversation.id, 'First'));
    await waitForAnswer(client, await say(client, conversation.id, 'Second'));
    const asked = models.requests.at(-1)!;
    expect(
      asked.messages.map(({ role, content }) => [role, content?.includes('pirate') ? 'instructions' : content]),
    ).toEqual([
      ['system', 'instructions'],
      ['user', 'First'],
      ['assistant', 'First'],
      ['user', 'Second'],
    ]);
    expect(asked.body['temperature']).toBe(0.3);
  });

  test('from the offline model quotes the passages, cites them and says what it is; the citation opens', async () => {
    const { client } = fixture;
    const agent = await createAgent(client);
    await uploadAndRead(
      client,
      agent.id,
      'shop.md',
      '# Shipping\n\nWe ship to Norway within five days.\n\n# Returns\n\nReturns are free for thirty days.',
    );
    const conversation = await createConversation(client, agent.id);
    const answer = await waitForAnswer(
      client,
      await say(client, conversation.id, 'How long does shipping to Norway take?'),
    );
    expect(answer.text).toContain('Offline answer');
    expect(answer.text).toContain('We ship to Norway within five days. [1]');
    expect(answer.citations).toHaveLength(1);
    expect(answer.citations[0]).toMatchObject({
      number: 1,
      documentTitle: 'shop',
      excerpt: 'We ship to Norway within five days.',
    });
    const { json: passage } = await client.expect(200, `GET /passages/${answer.citations[0]!.passageId}`);
    expect(passage).toMatchObject({ text: 'We ship to Norway within five days.', headings: ['Shipping'] });
    const nothing = await waitForAnswer(client, await say(client, conversation.id, 'What is the capital of Mongolia?'));
    expect(nothing.text).toContain('found no evidence');
    expect(nothing.citations).toEqual([]);
  });

  test('from a real model is written from passages it was shown as untrusted, and only used ones are cited', async () => {
    const { client } = fixture;
    const agent = await agentWith('cite');
    await uploadAndRead(client, agent.id, 'a.md', '# Norway\n\nShipping to Norway takes five days.');
    const conversation = await createConversation(client, agent.id);
    const turn = await say(client, conversation.id, 'How long is shipping to Norway?');
    const answer = await waitForAnswer(client, turn);
    expect(answer.text).toContain('Shipping to Norway takes five days.” [1].');
    expect(answer.citations.map(({ number }) => number)).toEqual([1]);
    const events = await eventsOf(turn.run.id);
    expect(events.find(({ type }) => type === 'citations')?.data.citations).toMatchObject([
      { number: 1, documentTitle: 'a' },
    ]);
    expect(models.requests.at(-1)!.messages.at(-1)!.content).toContain('<passage number="1"');
    const dataOf = (type: string) => events.find((event) => event.type === type)?.data;
    // [K17.1] What is on the wire is what the contract says, and nothing else.
    expect(() => turnStarted.parse(dataOf('turn-started'))).not.toThrow();
    expect(() => citationsFound.parse(dataOf('citations'))).not.toThrow();
    expect(() => turnDone.parse(dataOf('done'))).not.toThrow();
  });
});

describe('[K12.1] the connection and the run are apart', () => {
  test('leaving does not stop the answer; a refreshed page finds the run and gets every event once', async () => {
    const { client } = fixture;
    const conversation = await conversationWith('scripted:tokens=60,gap=10');
    const turn = await say(client, conversation.id, 'Go');
    const leave = new AbortController();
    const first = await client.open(`GET /runs/${turn.run.id}/events`, {
      headers: { accept: 'text/event-stream' },
      signal: leave.signal,
    });
    const { value } = await first.body!.getReader().read();
    leave.abort();
    const { json } = await client.expect(200, `GET /conversations/${conversation.id}`);
    expect(json.activeRunId).toBe(turn.run.id);
    const seen = parseEvents(new TextDecoder().decode(value));
    const rest = await eventsOf(json.activeRunId, seen.at(-1)!.id);
    const whole = await eventsOf(turn.run.id);
    expect([...seen, ...rest].map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
    expect(textOf(whole)).toBe((await waitForAnswer(client, turn)).text);
  });

  test('two tabs see the same events; a second question is refused while the answer is being written', async () => {
    const { client } = fixture;
    const conversation = await conversationWith('scripted:tokens=40,gap=10');
    const turn = await say(client, conversation.id, 'Go');
    const refused = await client.ask(`POST /conversations/${conversation.id}/messages`, { body: { text: 'Me too' } });
    expect(refused.json).toMatchObject({ status: 409, code: 'RUN_ALREADY_ACTIVE' });
    const [one, other] = await Promise.all([eventsOf(turn.run.id), eventsOf(turn.run.id)]);
    expect(one).toEqual(other);
    expect((await messagesOf(conversation.id)).map(({ text }) => text)).toEqual(['Go', textOf(one)]);
    await waitForAnswer(client, await say(client, conversation.id, 'Now it works'));
  });

  test('[K12.3] sending the same message again, because its answer was lost, says it once', async () => {
    const { client } = fixture;
    const conversation = await conversationWith('scripted:tokens=5');
    const body = { text: 'Once', clientMessageId: newId() };
    const send = () => client.expect(202, `POST /conversations/${conversation.id}/messages`, { body });
    const [first, second] = [(await send()).json, (await send()).json];
    expect(second.run.id).toBe(first.run.id);
    await waitForAnswer(client, first);
    expect((await send()).json.answer.id).toBe(first.answer.id);
    expect(await messagesOf(conversation.id)).toHaveLength(2);
  });
});

describe('[K12.3] an answer that ends early', () => {
  test('because of Stop keeps its text, frees the conversation and stops the model', async () => {
    const { client } = fixture;
    const conversation = await conversationWith(slow);
    const turn = await say(client, conversation.id, 'Go');
    await waitFor('some text', async () => {
      const rows = await asAdmin(fixture.server.database, (query) =>
        query('select from kernel.run_events where run_id = $1', [turn.run.id]),
      );
      return rows.length > 1;
    });
    expect((await client.expect(200, `POST /runs/${turn.run.id}/cancel`)).json).toEqual({ wasActive: true });
    const answer = await waitForAnswer(client, turn);
    expect(answer).toMatchObject({ state: 'stopped', error: null });
    // [K4.5] What was used until then is known, although the provider gave no figures.
    expect(answer.usage).toMatchObject({ isEstimated: true });
    expect(answer.usage?.outputTokens).toBeGreaterThan(0);
    expect(answer.text.length).toBeGreaterThan(0);
    expect(slowText.startsWith(answer.text)).toBe(true);
    const events = await eventsOf(turn.run.id);
    expect(textOf(events)).toBe(answer.text);
    expect(events.at(-1)).toMatchObject({ type: 'done', data: { state: 'cancelled', messageId: answer.id } });
    await waitFor('the model to be left', async () => models.openStreams === 0);
    expect((await client.expect(200, `GET /conversations/${conversation.id}`)).json.activeRunId).toBeNull();
  });

  test.each([
    ['dies in mid-stream', 'die-middle', 'MODEL_INTERRUPTED', 'w1 w2 w3 w4 w5 ', true],
    ['stalls in mid-stream', 'stall-middle', 'MODEL_TIMEOUT', 'w1 w2 w3 w4 w5 ', true],
    ['stalls before the first word', 'stall-first', 'MODEL_TIMEOUT', '', true],
    ['refuses the key', 'status-401', 'MODEL_BAD_KEY', '', false],
  ])('because the model %s keeps what was written and says why', async (_what, model, code, text, isRetryable) => {
    const { client } = fixture;
    const conversation = await conversationWith(model);
    const turn = await say(client, conversation.id, 'Go');
    const answer = await waitForAnswer(client, turn);
    expect(answer).toMatchObject({ state: 'failed', text, error: { code, isRetryable } });
    expect(answer.error!.detail).not.toMatch(/sk-|127\.0\.0\.1/);
    const events = await eventsOf(turn.run.id);
    expect(events.at(-1)).toMatchObject({
      type: 'done',
      data: { state: 'failed', errorCode: code, messageId: answer.id },
    });
    expect(() => turnDone.parse(events.at(-1)?.data)).not.toThrow();
    expect((await client.expect(200, `GET /conversations/${conversation.id}`)).json.activeRunId).toBeNull();
  });

  test('because nothing came says so', async () => {
    models.setScript(() => ({ kind: 'answer', deltas: [] }));
    try {
      const conversation = await conversationWith('scripted');
      const answer = await waitForAnswer(fixture.client, await say(fixture.client, conversation.id, 'Go'));
      expect(answer).toMatchObject({ state: 'failed', text: '', error: { isRetryable: true } });
    } finally {
      models.setScript(null);
    }
  });

  test('because its conversation was deleted is stopped and leaves nothing', async () => {
    const { client, server } = fixture;
    const conversation = await conversationWith(slow);
    const turn = await say(client, conversation.id, 'Go');
    await client.expect(204, `DELETE /conversations/${conversation.id}`);
    await waitFor(
      'the run to end',
      async () => (await client.expect(200, `GET /runs/${turn.run.id}`)).json.state === 'cancelled',
    );
    expect((await eventsOf(turn.run.id)).at(-1)).toMatchObject({ type: 'done', data: { messageId: null } });
    const left = await asAdmin(server.database, (query) =>
      query('select id from app_agents.messages where conversation_id = $1', [conversation.id]),
    );
    expect(left).toEqual([]);
  });

  test('because its agent was deleted is stopped too, whoever asked', async () => {
    const { client } = fixture;
    const agent = await agentWith(slow);
    const conversation = await createConversation(client, agent.id);
    const turn = await say(client, conversation.id, 'Go');
    await client.expect(204, `DELETE /agents/${agent.id}`);
    await waitFor('the run to end', async () =>
      ['cancelled', 'failed'].includes((await client.expect(200, `GET /runs/${turn.run.id}`)).json.state),
    );
    await waitFor('the model to be left', async () => models.openStreams === 0);
  });

  test('in a crash loop is abandoned with its partial text and the citations it got to use', async () => {
    const { server, owner, client } = fixture;
    const agent = await agentWith('cite');
    await uploadAndRead(client, agent.id, 'a.md', 'Shipping to Norway takes five days.');
    const conversation = await createConversation(client, agent.id);
    const turn = await say(client, conversation.id, 'Shipping to Norway?');
    const answer = await waitForAnswer(client, turn);
    const input = {
      conversationId: conversation.id,
      messageId: turn.message.id,
      answerId: answer.id,
      hasKnowledge: true,
    };
    await asAdmin(server.database, (query) =>
      query(`update app_agents.messages set state = 'streaming', text = '' where id = $1`, [answer.id]),
    );
    await server.services.db.withTenant(owner.principal, (tx) =>
      chatTurn.abandon(tx, {
        runId: turn.run.id,
        scope: owner.principal,
        input,
        state: 'failed',
        errorCode: 'RUN_CRASHED',
        errorDetail: 'It crashed.',
        isRetryable: true,
        partialText: 'It takes five days [1] and',
      }),
    );
    expect((await messagesOf(conversation.id)).at(-1)).toMatchObject({
      state: 'failed',
      text: 'It takes five days [1] and',
      citations: [{ number: 1 }],
      error: { code: 'RUN_CRASHED', isRetryable: true },
    });
  });
});

describe('[A6] regenerate', () => {
  test('answers the last message anew, shows the new answer and keeps the old one', async () => {
    const { client, server } = fixture;
    const conversation = await conversationWith('scripted:tokens=3');
    const empty = await client.ask(`POST /conversations/${conversation.id}/regenerate`);
    expect(empty.json).toMatchObject({ status: 409, code: 'NOTHING_TO_REGENERATE' });
    const turn = await say(client, conversation.id, 'Again?');
    const first = await waitForAnswer(client, turn);
    const { json: again } = await client.expect(202, `POST /conversations/${conversation.id}/regenerate`);
    expect(again.message.id).toBe(turn.message.id);
    const second = await waitForAnswer(client, again);
    expect((await messagesOf(conversation.id)).map(({ id }) => id)).toEqual([turn.message.id, second.id]);
    const kept = await asAdmin(server.database, (query) =>
      query<{ text: string }>('select text from app_agents.messages where id = $1 and superseded_at is not null', [
        first.id,
      ]),
    );
    expect(kept).toEqual([{ text: first.text }]);
    expect(models.requests.at(-1)!.messages.filter(({ role }) => role !== 'system')).toEqual([
      { role: 'user', content: 'Again?' },
    ]);
  });

  test('streams too, and is refused while an answer is being written', async () => {
    const { client } = fixture;
    const conversation = await conversationWith('scripted:tokens=40,gap=10');
    const turn = await say(client, conversation.id, 'Go');
    expect((await client.ask(`POST /conversations/${conversation.id}/regenerate`)).json).toMatchObject({
      status: 409,
      code: 'RUN_ALREADY_ACTIVE',
    });
    const first = await waitForAnswer(client, turn);
    expect(first.state).toBe('complete');
    const headers = { accept: 'text/event-stream' };
    const { text } = await client.expect(200, `POST /conversations/${conversation.id}/regenerate`, { headers });
    expect(parseEvents(text).at(-1)).toMatchObject({ type: 'done', data: { state: 'succeeded' } });
  });
});
