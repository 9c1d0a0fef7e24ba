/** Whatever a model endpoint does, the person gets a sentence, keeps what was written, and can try again. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../apps/agents/contract.ts';
import {
  createAgent,
  createConversation,
  parseEvents,
  say,
  startAgents,
  waitForAnswer,
  type AgentsFixture,
} from '../testing/agents-fixture.ts';
import { startModelServer, type ModelServer } from '../testing/model-server.ts';
import { findFreePort } from '../testing/server-process.ts';

let fixture: AgentsFixture;
let models: ModelServer;
let website: Server;

beforeAll(async () => {
  models = await startModelServer({ apiKey: 'the-right-key-of-12' });
  website = createServer((_req, res) =>
    res.setHeader('content-type', 'text/html').end('<!doctype html><h1>Welcome</h1>'),
  );
  website.listen(0, '127.0.0.1');
  await once(website, 'listening');
  fixture = await startAgents({
    environment: {
      MODEL_PRIVATE_NETWORKS: '127.0.0.0/8',
      MODEL_CONNECT_TIMEOUT_MS: '1000',
      MODEL_IDLE_TIMEOUT_MS: '500',
      MODEL_FIRST_TOKEN_TIMEOUT_MS: '2000',
    },
  });
});
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await models?.close();
  website?.close();
});

let connections = 0;
/** A connection of its own per case, so that one endpoint's bad name does not rest on another case. */
async function connect(baseUrl: string, apiKey?: string): Promise<string> {
  connections += 1;
  const body = { name: `Connection ${connections}`, kind: 'openai-compatible', baseUrl, ...(apiKey ? { apiKey } : {}) };
  return (await fixture.client.expect(201, 'POST /model-connections', { body })).json.id;
}

interface Ended {
  readonly answer: Message;
  readonly conversationId: string;
  readonly events: ReturnType<typeof parseEvents>;
}

async function ask(connectionId: string, model: string): Promise<Ended> {
  const { client } = fixture;
  const agent = await createAgent(client, { model: { connectionId, model } });
  const conversation = await createConversation(client, agent.id);
  const turn = await say(client, conversation.id, 'Go');
  const answer = await waitForAnswer(client, turn);
  const headers = { accept: 'text/event-stream' };
  const { text } = await client.expect(200, `GET /runs/${turn.run.id}/events`, { headers });
  return { answer, conversationId: conversation.id, events: parseEvents(text) };
}

interface Expected {
  readonly code: string;
  readonly detail: RegExp;
  readonly isRetryable: boolean;
  readonly text?: string;
}

/** expectFailed checks all that a person is owed: the sentence, the text so far, a free conversation, nothing internal. */
async function expectFailed({ answer, conversationId, events }: Ended, expected: Expected): Promise<void> {
  const { code, detail, isRetryable, text = '' } = expected;
  expect(answer).toMatchObject({ state: 'failed', text, error: { code, isRetryable } });
  expect(answer.error!.detail).toMatch(detail);
  expect(answer.error!.detail).not.toMatch(/the-right-key|undefined|Error:|\bat .*:\d+/);
  expect(events.at(-1)).toMatchObject({ type: 'done', data: { state: 'failed', errorCode: code, isRetryable } });
  expect(events.at(-1)!.data.errorDetail).toBe(answer.error!.detail);
  const { json } = await fixture.client.expect(200, `GET /conversations/${conversationId}`);
  expect(json.activeRunId).toBeNull();
}

/** retry regenerates the answer once the endpoint behaves, as the button does. */
async function retry(conversationId: string): Promise<Message> {
  const turn = (await fixture.client.expect(202, `POST /conversations/${conversationId}/regenerate`)).json;
  return waitForAnswer(fixture.client, turn);
}

const key = 'the-right-key-of-12';
const five = 'w1 w2 w3 w4 w5 ';

describe('[K6.2] [K12.3] a model that', () => {
  test.each([
    [
      'stalls before its first token',
      'stall-first',
      { code: 'MODEL_TIMEOUT', detail: /too long|did not|within/i, isRetryable: true },
    ],
    [
      'never sends headers',
      'slow-headers',
      { code: 'MODEL_TIMEOUT', detail: /too long|did not|within/i, isRetryable: true },
    ],
    [
      'stalls in mid-stream',
      'stall-middle',
      { code: 'MODEL_TIMEOUT', detail: /too long|silent|within|nothing/i, isRetryable: true, text: five },
    ],
    [
      'dies in mid-stream',
      'die-middle',
      { code: 'MODEL_INTERRUPTED', detail: /broke off|connection/i, isRetryable: true, text: five },
    ],
    [
      'sends garbage',
      'garbage',
      { code: 'MODEL_BAD_RESPONSE', detail: /protocol|JSON|understood|endpoint/i, isRetryable: false },
    ],
    [
      'sends a web page',
      'garbage-html',
      { code: 'MODEL_BAD_RESPONSE', detail: /protocol|page|stream|endpoint/i, isRetryable: false },
    ],
    [
      'sends 10 MB on one line',
      'long-line',
      { code: 'MODEL_BAD_RESPONSE', detail: /line|long|large|endpoint/i, isRetryable: false },
    ],
    ['does not exist', 'no-such-model', { code: 'MODEL_NOT_FOUND', detail: /model/i, isRetryable: false }],
  ] as const)(
    '%s ends in a sentence, keeps its text, frees the conversation, and can be asked again',
    async (_what, model, expected) => {
      const ended = await ask(await connect(`${models.url}/v1`, key), model);
      await expectFailed(ended, expected);
      models.setScript(() => ({ kind: 'answer', deltas: ['All ', 'is ', 'well.'] }));
      try {
        expect(await retry(ended.conversationId)).toMatchObject({ state: 'complete', text: 'All is well.' });
      } finally {
        models.setScript(null);
      }
      expect(models.openStreams).toBe(0);
    },
  );

  test('limits how often it may be asked passes on how long to wait, and is not asked again at once', async () => {
    const connectionId = await connect(`${models.url}/v1`, key);
    const before = models.requests.length;
    const ended = await ask(connectionId, 'status-429');
    await expectFailed(ended, { code: 'MODEL_RATE_LIMITED', detail: /7 s/, isRetryable: true });
    // A wait of seven seconds is the person's to decide, not ours to sit out in silence.
    expect(models.requests.length - before).toBe(1);
  });

  test('refuses the key says that an administrator has to correct it; with the right key it answers', async () => {
    const connectionId = await connect(`${models.url}/v1`, 'a-wrong-key-entirely');
    const ended = await ask(connectionId, 'echo');
    await expectFailed(ended, { code: 'MODEL_BAD_KEY', detail: /administrator/, isRetryable: false });
    expect(JSON.stringify(ended)).not.toContain('a-wrong-key-entirely');
    const { json } = await fixture.client.expect(200, `POST /model-connections/test`, {
      body: { kind: 'openai-compatible', baseUrl: `${models.url}/v1`, connectionId, model: 'echo' },
    });
    expect(json).toMatchObject({ isOk: false, problem: { code: 'MODEL_BAD_KEY' } });
    await fixture.client.expect(200, `PATCH /model-connections/${connectionId}`, { body: { apiKey: key } });
    expect(await retry(ended.conversationId)).toMatchObject({ state: 'complete', text: 'Go' });
  });
});

const addresses: readonly (readonly [string, () => Promise<string>, string, boolean])[] = [
  [
    'of a port where nobody listens',
    async () => `http://127.0.0.1:${await findFreePort()}/v1`,
    'MODEL_UNREACHABLE',
    true,
  ],
  ['of a host that does not exist', async () => 'http://no-such-host.invalid/v1', 'MODEL_UNREACHABLE', true],
  [
    'of a website',
    async () => `http://127.0.0.1:${(website.address() as AddressInfo).port}`,
    'MODEL_BAD_RESPONSE',
    false,
  ],
  ['with a wrong path', async () => `${models.url}/v2`, 'MODEL_NOT_FOUND', false],
  ['in a private network', async () => 'http://10.1.2.3/v1', 'MODEL_ADDRESS_FORBIDDEN', false],
  ['of the cloud’s metadata service', async () => 'http://169.254.169.254/v1', 'MODEL_ADDRESS_FORBIDDEN', false],
  [
    'in a private network, in IPv6 clothes',
    async () => 'http://[::ffff:10.1.2.3]/v1',
    'MODEL_ADDRESS_FORBIDDEN',
    false,
  ],
];

describe('[K11.1] [K11.6] a base URL', () => {
  test.each(addresses)('%s is told by the test button and in the chat', async (_what, makeUrl, code, isRetryable) => {
    const baseUrl = await makeUrl();
    const { json } = await fixture.client.expect(200, 'POST /model-connections/test', {
      body: { kind: 'openai-compatible', baseUrl, apiKey: key, model: 'echo' },
    });
    expect(json).toMatchObject({ isOk: false, problem: { code, isRetryable } });
    const ended = await ask(await connect(baseUrl, key), 'echo');
    await expectFailed(ended, { code, detail: /\w+ .*\./, isRetryable });
  });
});
