/** Everybody who can call the API for one person: their browser, API key, phone, directory, and a program without any of it. */
import type { Tenant, TestServer } from '#testing/server';
import { createClient } from '#testing/client';
import type { Samples } from '../../src/testing/generated/sample-resources.ts';
import type { Operation } from './operations.ts';
import { programOf, type Sender } from './send.ts';

/** Callers all stand for one person and their organisation, but for `program`, which shows nothing. */
export interface Callers {
  readonly browser: Sender;
  readonly key: Sender;
  readonly phone: Sender;
  readonly directory: Sender;
  readonly program: Sender;
  /** The address and the refresh token of another phone of the person's. */
  readonly identifier: string;
  readonly refreshToken: string;
}

export type Caller = 'browser' | 'key' | 'phone' | 'directory' | 'program';

/** createCallers makes an API key with every scope the person may give, and signs two phones in. */
export async function createCallers(
  server: TestServer,
  { client }: Pick<Tenant, 'client'>,
  samples: Samples,
  password: string,
): Promise<Callers> {
  const { json } = await client.expect(200, 'GET /api-key-scopes');
  const scopes = (json.scopes as { permission: string }[]).map(({ permission }) => permission);
  const key = await client.expect(201, 'POST /api-keys', { body: { name: 'Fuzz', scopes, requestsPerMinute: 6_000 } });
  const session = await client.expect(200, 'GET /session');
  const identifier: string = session.json.user.email;
  const program = programOf(server.url);
  const [phone, other] = await Promise.all([1, 2].map(() => signInPhone(program, identifier, password)));
  return {
    browser: client,
    key: programOf(server.url, key.json.secret),
    phone: programOf(server.url, phone?.accessToken),
    directory: programOf(server.url, samples['directorySecret']),
    program,
    identifier,
    refreshToken: other?.refreshToken ?? '',
  };
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

async function signInPhone(program: Sender, identifier: string, password: string): Promise<Tokens> {
  const body = JSON.stringify({ identifier, password, deviceName: 'Fuzz' });
  const response = await program.sendRaw('POST /auth/token', { 'content-type': 'application/json' }, body);
  if (response.status !== 201) throw new Error(`a phone was not signed in: ${await response.text()}`);
  return (await response.json()) as Tokens;
}

/** callerFor says who calls an operation, `turn` being 0 to 9: mostly the one that it is for. */
export function callerFor({ isForDirectories, isPublic }: Operation, turn: number): Caller {
  if (isForDirectories) return turn < 8 ? 'directory' : turn === 8 ? 'key' : 'browser';
  if (isPublic) return turn < 5 ? 'browser' : 'program';
  if (turn < 6) return 'browser';
  return turn < 8 ? 'key' : turn === 8 ? 'phone' : 'directory';
}

/** areWell tells whether each of them still counts: what a fuzz does may revoke any of them. */
export async function areWell({ browser, key, phone, directory }: Callers): Promise<boolean> {
  const answers = await Promise.all([
    ...[browser, phone].map((sender) => sender.sendRaw('GET /session', {}, null)),
    key.sendRaw('GET /agents', {}, null),
    directory.sendRaw('GET /scim/v2/ServiceProviderConfig', {}, null),
  ]);
  await Promise.all(answers.map(async ({ body }) => body?.cancel()));
  return answers.every(({ status }) => status === 200);
}

/** nobodyOf is a browser in which nobody is signed in. */
export function nobodyOf(server: Pick<TestServer, 'url'>): Sender {
  return createClient(server.url);
}
