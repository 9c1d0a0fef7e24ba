/** Prepares an owner, a model connection, agents and conversations over HTTP, as a person would, and makes the raw requests of the load. */
import { createClient, type TestClient } from '#testing/client';
import type { LoadJob } from './load.ts';

const password = 'Ärger mit 7 Zwergen!';

/** roomyLimits lift the rate limits that one person sending a thousand messages at once would meet. */
export const roomyLimits = [
  'agents.read',
  'agents.write',
  'agents.conversation',
  'agents.chat',
  'auth.setup',
  'models.settings',
  'kernel.run',
]
  .map((name) => `${name}=1000000/60`)
  .join(',');

/** StreamShape is a scripted answer. */
export interface StreamShape {
  readonly tokens: number;
  readonly gapMs: number;
}

function modelOf({ gapMs, tokens }: StreamShape): string {
  return `scripted:tokens=${tokens},gap=${gapMs}`;
}

function expectedText({ tokens }: StreamShape): string {
  return Array.from({ length: tokens }, (_, n) => `w${n + 1} `).join('');
}

/** Person is signed in, with a connection to the scripted model. */
export interface Person {
  readonly client: TestClient;
  readonly connectionId: string;
}

/** signUp creates the owner by the setup link and connects the model. */
export async function signUp(url: string, setupToken: string, modelUrl: string): Promise<Person> {
  const client = createClient(url);
  await client.expect(201, 'POST /setup', {
    body: { token: setupToken, name: 'Bench', email: 'bench@example.com', password },
  });
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${modelUrl}/v1` };
  const { json } = await client.expect(201, 'POST /model-connections', { body });
  return { client, connectionId: json.id as string };
}

const atOnce = 16;

/** makeConversations makes an agent with this shape and as many conversations with it. */
export async function makeConversations(
  { client, connectionId }: Person,
  shape: StreamShape,
  count: number,
): Promise<string[]> {
  const agent = { name: `Bench ${modelOf(shape)}`, model: { connectionId, model: modelOf(shape) } };
  const { json } = await client.expect(201, 'POST /agents', { body: agent });
  const ids: string[] = [];
  async function work(): Promise<void> {
    while (ids.length < count) {
      const place = ids.push('') - 1;
      ids[place] = (await client.expect(201, 'POST /conversations', { body: { agentId: json.id } })).json.id as string;
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
  return ids;
}

type JobOptions = Pick<LoadJob, 'rampMilliseconds'> & Partial<Pick<LoadJob, 'isSequential' | 'isHeld'>>;

function rawRequest(url: URL, path: string, headers: readonly string[], body: unknown): string {
  const text = JSON.stringify(body);
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    'accept: text/event-stream',
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** jobThrough sends one message per conversation and follows its run. */
export function jobThrough(
  url: string,
  { client }: Person,
  conversations: readonly string[],
  shape: StreamShape,
  options: JobOptions,
): LoadJob {
  const address = new URL(url);
  const headers = [`cookie: ${client.cookie}`, 'sec-fetch-site: same-origin'];
  return {
    host: address.hostname,
    port: Number(address.port),
    requests: conversations.map((id) =>
      rawRequest(address, `/api/v1/conversations/${id}/messages`, headers, { text: 'go' }),
    ),
    firstMarker: 'event: text-delta',
    endMarker: 'event: done',
    textField: 'text',
    expectedText: expectedText(shape),
    timeoutMilliseconds: 60_000,
    ...options,
  };
}

/** jobDirect asks the scripted model itself, with the same shape. */
export function jobDirect(url: string, count: number, shape: StreamShape, options: JobOptions): LoadJob {
  const address = new URL(url);
  const body = {
    model: modelOf(shape),
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'go' }],
  };
  return {
    host: address.hostname,
    port: Number(address.port),
    requests: Array.from({ length: count }, () => rawRequest(address, '/v1/chat/completions', [], body)),
    firstMarker: '"content":"w1 "',
    endMarker: 'data: [DONE]',
    textField: 'content',
    expectedText: expectedText(shape),
    timeoutMilliseconds: 60_000,
    ...options,
  };
}
