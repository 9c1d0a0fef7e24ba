/** Several pages of one person, and what else goes on at the same time, never cost a word nor leave a conversation stuck. */
import { request } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../apps/agents/contract.ts';
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
} from '../testing/agents-fixture.ts';
import { asAdmin } from '../testing/as-admin.ts';
import { createClient, type TestClient } from '../testing/client.ts';
import { startModelServer, type ModelServer } from '../testing/model-server.ts';
import { strongPassword } from '../testing/server.ts';

let fixture: AgentsFixture;
let models: ModelServer;
let connectionId: string;
beforeAll(async () => {
  models = await startModelServer();
  fixture = await startAgents({
    streamLimits: { heartbeatSeconds: 15, maxBufferedBytes: 8 * 1_048_576, stallSeconds: 60, recheckSeconds: 0.2 },
    environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' },
  });
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  connectionId = (await fixture.client.expect(201, 'POST /model-connections', { body })).json.id;
});
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await models?.close();
});

/** Another browser of the same person. */
async function signInAgain(): Promise<TestClient> {
  const client = createClient(fixture.server.url);
  await client.expect(200, 'POST /auth/sign-in', { body: { identifier: 'ada@example.com', password: strongPassword } });
  return client;
}

const agentWith = (model: string) => createAgent(fixture.client, { model: { connectionId, model } });
const conversationWith = async (model: string) => createConversation(fixture.client, (await agentWith(model)).id);
const messagesOf = async (id: string): Promise<Message[]> =>
  (await fixture.client.expect(200, `GET /conversations/${id}/messages`)).json.items;
const eventStream = { accept: 'text/event-stream' };
const textOf = (text: string) =>
  parseEvents(text)
    .flatMap(({ type, data }) => (type === 'text-delta' ? [data.text as string] : []))
    .join('');

/** readUntil reads a stream until its text satisfies the predicate, and returns the reader to go on with. */
async function readUntil(
  response: Response,
  isEnough: (text: string) => boolean,
): Promise<{ text: string; rest: () => Promise<string> }> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!isEnough(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended too early: ${text}`);
    text += value;
  }
  return {
    text,
    async rest() {
      for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
      return text;
    },
  };
}

describe('[K12.4] two tabs', () => {
  test('that send at once: one message is taken, the others hear 409 and can send later; nothing is lost or doubled', async () => {
    const other = await signInAgain();
    const conversation = await conversationWith('scripted:tokens=30,gap=20');
    const send = (client: TestClient, text: string) =>
      client.ask(`POST /conversations/${conversation.id}/messages`, { body: { text } });
    const texts = Array.from({ length: 8 }, (_, index) => `Message ${index}`);
    const answers = await Promise.all(texts.map((text, index) => send(index % 2 === 0 ? fixture.client : other, text)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409, 409, 409, 409, 409, 409]);
    for (const { status, json } of answers) if (status === 409) expect(json.code).toBe('RUN_ALREADY_ACTIVE');
    const won = answers.findIndex(({ status }) => status === 202);
    await waitForAnswer(fixture.client, answers[won]!.json);
    const [question, answer, ...more] = await messagesOf(conversation.id);
    expect([question!.text, answer!.state, more]).toEqual([texts[won], 'complete', []]);
    const lost = texts[(won + 1) % 8]!;
    const again = await send(other, lost);
    expect(again.status).toBe(202);
    await waitForAnswer(other, again.json);
    expect((await messagesOf(conversation.id)).map(({ text, role }) => (role === 'user' ? text : role))).toEqual([
      texts[won],
      'assistant',
      lost,
      'assistant',
    ]);
  });

  test('Stop in one ends the answer in the other, with the text that both have seen', async () => {
    const other = await signInAgain();
    const conversation = await conversationWith('scripted:tokens=500,gap=20');
    const turn = await say(fixture.client, conversation.id, 'Go');
    const stream = await fixture.client.open(`GET /runs/${turn.run.id}/events`, { headers: eventStream });
    const watching = await readUntil(stream, (text) => textOf(text).length > 20);
    expect((await other.expect(200, `POST /runs/${turn.run.id}/cancel`)).json).toEqual({ wasActive: true });
    const text = await watching.rest();
    expect(parseEvents(text).at(-1)).toMatchObject({ type: 'done', data: { state: 'cancelled' } });
    const answer = await waitForAnswer(other, turn);
    expect(answer).toMatchObject({ state: 'stopped', text: textOf(text) });
    await waitFor('the model to be left', async () => models.openStreams === 0);
  });

  test('[K2.4] signing out everywhere in mid-answer: the answer goes on, the old session’s stream ends, a new one resumes without a gap', async () => {
    const old = await signInAgain();
    const conversation = await conversationWith('scripted:tokens=200,gap=20');
    const turn = await say(old, conversation.id, 'Go');
    const stream = await old.open(`GET /runs/${turn.run.id}/events`, { headers: eventStream });
    const watching = await readUntil(stream, (text) => textOf(text).length > 20);
    const seen = parseEvents(watching.text.slice(0, watching.text.lastIndexOf('\n\n') + 2));
    await fixture.client.expect(200, 'POST /sessions/revoke-others');
    expect((await old.ask(`GET /runs/${turn.run.id}/events`, { headers: eventStream })).status).toBe(401);
    const heard = await watching.rest();
    expect(heard).not.toContain('event: done');
    const fresh = await signInAgain();
    const headers = { ...eventStream, 'last-event-id': seen.at(-1)!.id };
    const rest = parseEvents((await fresh.expect(200, `GET /runs/${turn.run.id}/events`, { headers })).text);
    const whole = parseEvents(
      (await fresh.expect(200, `GET /runs/${turn.run.id}/events`, { headers: eventStream })).text,
    );
    expect([...seen, ...rest].map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
    expect(await waitForAnswer(fresh, turn)).toMatchObject({ state: 'complete' });
  });
});

describe('[K12.3] deletion meanwhile', () => {
  test('of the conversation: the page that watches hears the end, and nothing is left of it', async () => {
    const conversation = await conversationWith('scripted:tokens=500,gap=20');
    const turn = await say(fixture.client, conversation.id, 'Go');
    const stream = await fixture.client.open(`GET /runs/${turn.run.id}/events`, { headers: eventStream });
    const watching = await readUntil(stream, (text) => textOf(text).length > 20);
    await fixture.client.expect(204, `DELETE /conversations/${conversation.id}`);
    expect(parseEvents(await watching.rest()).at(-1)).toMatchObject({ type: 'done', data: { messageId: null } });
    await fixture.client.expect(404, `GET /conversations/${conversation.id}`);
  });

  test('of a document that the answer cites: the answer completes, and its citation says that the passage is gone', async () => {
    const agent = await agentWith('cite');
    const document = await uploadAndRead(
      fixture.client,
      agent.id,
      'a.md',
      '# Norway\n\nShipping to Norway takes five days.',
    );
    models.setScript(() => ({
      kind: 'answer',
      deltas: ['Five days, ', 'as written ', 'in [1].'],
      firstMs: 600,
      gapMs: 100,
    }));
    try {
      const conversation = await createConversation(fixture.client, agent.id);
      const turn = await say(fixture.client, conversation.id, 'How long is shipping to Norway?');
      const stream = await fixture.client.open(`GET /runs/${turn.run.id}/events`, { headers: eventStream });
      const watching = await readUntil(stream, (text) => text.includes('event: citations'));
      await fixture.client.expect(204, `DELETE /documents/${document.id}`);
      await watching.rest();
      const answer = await waitForAnswer(fixture.client, turn);
      expect(answer).toMatchObject({ state: 'complete', text: 'Five days, as written in [1].' });
      expect(answer.citations).toMatchObject([{ number: 1, excerpt: expect.stringContaining('five days') as string }]);
      const gone = await fixture.client.ask(`GET /passages/${answer.citations[0]!.passageId}`);
      expect(gone.json).toMatchObject({ status: 404, code: 'PASSAGE_NOT_FOUND' });
    } finally {
      models.setScript(null);
    }
  });

  test('of a document while it is being read: reading ends without a word, no passage and no file stay', async () => {
    const agent = await agentWith('echo');
    const lines = Array.from(
      { length: 40_000 },
      (_, index) => `# Chapter ${index}\n\nThis is what chapter ${index} says at some length.\n`,
    );
    const before = await listStored();
    const uploaded = await fixture.client.upload(`POST /agents/${agent.id}/documents`, {
      name: 'long.md',
      type: 'text/markdown',
      bytes: lines.join('\n'),
    });
    expect(uploaded.status).toBe(202);
    const { id } = uploaded.json;
    await waitFor(
      'some passages',
      async () => (await fixture.client.expect(200, `GET /documents/${id}`)).json.passageCount > 0,
    );
    await fixture.client.expect(204, `DELETE /documents/${id}`);
    await waitFor('the file to be gone', async () => !(await hasNewFile(before)));
    const ended = () =>
      asAdmin(fixture.server.database, (query) =>
        query<{ status: string; error: string | null }>(
          `select status, error from dbos.workflow_status where workflow_uuid like $1`,
          [`%${id}%`],
        ),
      );
    await waitFor('the job to end', async () => (await ended()).every(({ status }) => status === 'SUCCESS'));
    const passages = await asAdmin(fixture.server.database, (query) =>
      query('select id from app_agents.passages where document_id = $1', [id]),
    );
    expect(passages).toEqual([]);
    expect((await fixture.client.expect(200, `GET /agents/${agent.id}`)).json.documentCount).toBe(0);
  });
});

/** listStored names the files in the object store; those of earlier tests may still be on their way out. */
async function listStored(): Promise<string[]> {
  const folder = join(fixture.server.services.config.dataDir, 'objects');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** hasNewFile tells whether the store holds a file that was not there before. */
async function hasNewFile(before: readonly string[]): Promise<boolean> {
  return (await listStored()).some((name) => !before.includes(name));
}

test('[K13.1] an upload that is broken off half-way leaves no file, no document, and a server that goes on', async () => {
  const agent = await agentWith('echo');
  const before = await listStored();
  const { port } = new URL(fixture.server.url);
  const headers = {
    cookie: fixture.client.cookie,
    'sec-fetch-site': 'same-origin',
    'content-type': 'multipart/form-data; boundary=xx',
    'content-length': String(8 * 1_048_576),
  };
  const asked = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: `/api/v1/agents/${agent.id}/documents`,
    headers,
  });
  asked.on('error', () => undefined); // we break it off ourselves
  asked.write(
    '--xx\r\ncontent-disposition: form-data; name="file"; filename="half.txt"\r\ncontent-type: text/plain\r\n\r\n',
  );
  for (let megabyte = 0; megabyte < 4; megabyte += 1) asked.write(Buffer.alloc(1_048_576, 'text '));
  await waitFor('the first bytes to be stored', () => hasNewFile(before));
  asked.destroy();
  await waitFor('nothing to be left', async () => !(await hasNewFile(before)));
  const { json } = await fixture.client.expect(200, `GET /agents/${agent.id}/documents`);
  expect(json.items).toEqual([]);
  expect(await uploadAndRead(fixture.client, agent.id, 'whole.txt', 'It goes on.')).toMatchObject({ state: 'ready' });
});
