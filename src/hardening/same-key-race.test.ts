/** A hundred requests with one Idempotency-Key create one thing, also when the server is killed in their midst. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin } from '../testing/as-admin.ts';
import type { Answer } from '../testing/client.ts';
import { startWholeServer, type WholeServer } from '../testing/whole-server.ts';

let server: WholeServer;
beforeAll(async () => {
  server = await startWholeServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const create = (key: string, name = key): Promise<Answer> =>
  server.client.ask('POST /agents', { body: { name }, headers: { 'idempotency-key': key } });

const admin = <T>(sql: string, values: readonly unknown[] = []): Promise<T[]> => {
  if (!server.database) throw new Error('this test needs the shared cluster');
  return asAdmin(server.database, (query) => query<T>(sql, values));
};

async function countAgents(name: string): Promise<number> {
  return (await admin('select id from app_agents.agents where name = $1', [name])).length;
}

/** seeRow waits until a key's request has come so far. */
const seeRow = (sql: string, key: string) =>
  expect.poll(async () => (await admin(sql, [key])).length, { interval: 1, timeout: 20_000 }).toBe(1);

/** endLeases lets the time pass that a killed holder of a key is waited for. */
const endLeases = () => admin(`update kernel.idempotency_keys set lease_expires_at = now() - interval '1 second'`);

test('[K5.4] a hundred requests at once over HTTP create one agent, and every repetition hears of the same', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => create('race')));
  expect(await countAgents('race')).toBe(1);
  const created = answers.filter(({ status }) => status === 201);
  const others = answers.filter(({ status }) => status !== 201);
  expect(created.length).toBeGreaterThan(0);
  expect(new Set(created.map(({ text }) => text)).size).toBe(1);
  for (const { status, json, headers } of others) {
    expect([status, json.code]).toEqual([409, 'IDEMPOTENCY_IN_PROGRESS']);
    expect(headers.get('retry-after')).toBe('1');
  }
  const repetitions = await Promise.all(Array.from({ length: 100 }, () => create('race')));
  for (const { status, text, headers } of repetitions)
    expect([status, text, headers.get('idempotency-replayed')]).toEqual([201, created[0]?.text, 'true']);
  expect((await create('race', 'another name')).json).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  expect(await countAgents('race')).toBe(1);
});

test.each([
  ['as soon as they are sent', 'kill-0', async () => undefined],
  ['when the key is taken', 'kill-1', () => seeRow('select 1 from kernel.idempotency_keys where key = $1', 'kill-1')],
  ['when the agent is saved', 'kill-2', () => seeRow('select 1 from app_agents.agents where name = $1', 'kill-2')],
])('[K5.4] [Q2] a server killed %s: one agent at most, and in the end exactly one', async (_when, key, moment) => {
  const seen: Answer[] = [];
  const sent = Array.from({ length: 100 }, async () => {
    const answer = await create(key).catch(() => null); // the connection ends with the server
    if (answer) seen.push(answer);
  });
  await moment();
  server.process.kill('SIGKILL');
  await Promise.all(sent);
  expect(await countAgents(key)).toBeLessThanOrEqual(1);
  await server.startAgain();
  await endLeases();
  const after = await Promise.all(Array.from({ length: 20 }, () => create(key)));
  for (const { status, json } of after) {
    expect([201, 409]).toContain(status);
    if (status === 409) expect(json.code).toMatch(/^IDEMPOTENCY_(IN_PROGRESS|ANSWER_LOST)$/);
  }
  const ids = [...seen, ...after].flatMap(({ status, json }) => (status === 201 ? [json.id as string] : []));
  const rows = await admin<{ id: string }>('select id from app_agents.agents where name = $1', [key]);
  expect(rows).toHaveLength(1);
  // Nobody was told of an agent that is not the one there.
  expect(new Set([...ids, rows[0]?.id]).size).toBe(1);
});

/** killBeforeAnswer lets a request take effect and kills the server exactly before it stores the answer, which takes for ever. */
async function killBeforeAnswer(key: string, ask: () => Promise<Answer>, isDone: () => Promise<void>): Promise<void> {
  await admin(`create function public.wait_for_the_end() returns trigger language plpgsql
    as $$ begin perform pg_sleep(600); return new; end $$`);
  await admin(`create trigger wait_for_the_end before update on kernel.idempotency_keys for each row
    when (new.state = 'answered' and new.key = '${key}') execute function public.wait_for_the_end()`);
  const first = ask().catch(() => null);
  await isDone();
  server.process.kill('SIGKILL');
  expect(await first).toBeNull();
  // The session of the dead server sleeps on.
  await admin(
    `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
  );
  await admin('drop function public.wait_for_the_end() cascade');
  await server.startAgain();
}

test('[K5.4] [Q2] a server killed between an act on organisations and its answer: the act is not repeated', async () => {
  const ask = () =>
    server.client.ask('POST /organisations', { body: { name: 'kill-3' }, headers: { 'idempotency-key': 'kill-3' } });
  await killBeforeAnswer('kill-3', ask, () => seeRow('select 1 from auth.organizations where name = $1', 'kill-3'));
  await endLeases();
  const { status, json } = await ask();
  expect([status, json.code]).toEqual([409, 'IDEMPOTENCY_ANSWER_LOST']);
  expect(await admin(`select from auth.organizations where name = 'kill-3'`)).toHaveLength(1);
});

test('[K5.4] [K6.3] [Q2] a server killed between a message and its answer: sent again, it is accepted at once, and is there once', async () => {
  const agent = await server.client.expect(201, 'POST /agents', { body: { name: 'kill-4' } });
  const conversation = await server.client.expect(201, 'POST /conversations', { body: { agentId: agent.json.id } });
  const ask = () =>
    server.client.ask(`POST /conversations/${conversation.json.id}/messages`, {
      body: { text: 'kill-4', clientMessageId: '0199a0f0-0000-7000-8000-000000000004' },
      headers: { 'idempotency-key': 'kill-4' },
    });
  const find = `select id from app_agents.messages where role = 'user' and text = $1`;
  await killBeforeAnswer('kill-4', ask, () => seeRow(find, 'kill-4'));
  const { status, json } = await ask();
  expect([status, [{ id: json.message?.id }]]).toEqual([202, await admin(find, ['kill-4'])]);
});
