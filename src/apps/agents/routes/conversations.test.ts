/** Conversations are their owner's: listed, found, renamed and deleted. Answers come from the offline model. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createAgent,
  createConversation,
  say,
  startAgents,
  uploadAndRead,
  waitForAnswer,
  type AgentsFixture,
} from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import type { Agent, Conversation } from '../contract.ts';

let fixture: AgentsFixture;
let agent: Agent;
beforeAll(async () => {
  fixture = await startAgents();
  agent = await createAgent(fixture.client);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const list = async (query: string): Promise<{ items: Conversation[]; nextCursor: string | null }> =>
  (await fixture.client.expect(200, `GET /conversations?${query}`)).json;

test('[A6] the first question names the conversation; renaming keeps its place in the list', async () => {
  const { client } = fixture;
  const own = await createAgent(client, { name: 'Namer' });
  const [older, newer] = [await createConversation(client, own.id), await createConversation(client, own.id)];
  expect(older).toMatchObject({ title: '', messageCount: 0, activeRunId: null, agentName: 'Namer' });
  await waitForAnswer(client, await say(client, older.id, 'How long does shipping take?'));
  await waitForAnswer(client, await say(client, newer.id, 'And the second one?'));
  await waitForAnswer(client, await say(client, newer.id, 'This does not rename it.'));
  const { json: renamed } = await client.expect(200, `PATCH /conversations/${older.id}`, {
    body: { title: '  Shipping  ' },
  });
  expect(renamed).toMatchObject({ title: 'Shipping', messageCount: 2 });
  expect((await list(`agentId=${own.id}`)).items.map(({ id, title }) => [id, title])).toEqual([
    [newer.id, 'And the second one?'],
    [older.id, 'Shipping'],
  ]);
  await client.expect(400, `PATCH /conversations/${older.id}`, { body: { title: ' ' } });
});

test('[A6] conversations are found by words of the title and of the messages, taken literally', async () => {
  const { client } = fixture;
  const own = await createAgent(client);
  const [discount, other] = [await createConversation(client, own.id), await createConversation(client, own.id)];
  await waitForAnswer(client, await say(client, discount.id, 'Is there a 100% discount_code for Zürich?'));
  await waitForAnswer(client, await say(client, other.id, 'Is there a 100 discountXcode?'));
  await client.expect(200, `PATCH /conversations/${discount.id}`, { body: { title: 'Renamed' } });
  const found = async (search: string) =>
    (await list(`agentId=${own.id}&search=${encodeURIComponent(search)}`)).items.map(({ id }) => id);
  expect(await found('100%')).toEqual([discount.id]);
  expect(await found('discount_code')).toEqual([discount.id]);
  expect(await found('zürich')).toEqual([discount.id]);
  expect(await found('rename')).toEqual([discount.id]);
  expect(await found('nowhere')).toEqual([]);
});

test('[K10.4] the list is paged without gap or repetition, even when times are equal to the millisecond', async () => {
  const { client, server } = fixture;
  const own = await createAgent(client);
  const made: string[] = [];
  for (let number = 0; number < 7; number += 1) made.push((await createConversation(client, own.id)).id);
  await asAdmin(server.database, (query) =>
    query(`update app_agents.conversations set updated_at = '2026-01-01 00:00:00.123456+00' where agent_id = $1`, [
      own.id,
    ]),
  );
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const page = await list(`agentId=${own.id}&limit=3${cursor}`);
    seen.push(...page.items.map((item) => item.id));
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  expect(seen).toEqual(made.toReversed());
  await client.expect(400, 'GET /conversations?cursor=WyJ4IiwieSJd');
});

test('[K10.4] messages come newest page first, each page in order of time', async () => {
  const { client } = fixture;
  const conversation = await createConversation(client, agent.id);
  for (const text of ['One', 'Two', 'Three']) await waitForAnswer(client, await say(client, conversation.id, text));
  const { json: newest } = await client.expect(200, `GET /conversations/${conversation.id}/messages?limit=4`);
  expect(
    newest.items.map((item: { role: string; text: string }) => (item.role === 'user' ? item.text : 'answer')),
  ).toEqual(['Two', 'answer', 'Three', 'answer']);
  const { json: older } = await client.expect(
    200,
    `GET /conversations/${conversation.id}/messages?limit=4&cursor=${newest.nextCursor}`,
  );
  expect(
    older.items.map((item: { role: string; text: string }) => (item.role === 'user' ? item.text : 'answer')),
  ).toEqual(['One', 'answer']);
  expect(older.nextCursor).toBeNull();
});

test('[A6] a deleted conversation is gone with its messages, and the deletion is on record', async () => {
  const { client, server } = fixture;
  const conversation = await createConversation(client, agent.id);
  await waitForAnswer(client, await say(client, conversation.id, 'Forget me.'));
  await client.expect(204, `DELETE /conversations/${conversation.id}`);
  await client.expect(404, `DELETE /conversations/${conversation.id}`);
  await client.expect(404, `GET /conversations/${conversation.id}/messages`);
  const left = await asAdmin(server.database, (query) =>
    query('select id from app_agents.messages where conversation_id = $1', [conversation.id]),
  );
  expect(left).toEqual([]);
  const records = await asAdmin(server.database, (query) =>
    query<{ action: string }>('select action from kernel.audit_records where resource = $1 order by sequence', [
      `conversation:${conversation.id}`,
    ]),
  );
  expect(records.map(({ action }) => action)).toEqual(['agents.conversation.create', 'agents.conversation.delete']);
});

test('[K10.4] no list asks the database more often because it has more rows', async () => {
  const { client, server } = fixture;
  const own = await createAgent(client);
  const { db } = server.services;
  const original = db.withTenant.bind(db);
  let queries = 0;
  const counted: typeof db.withTenant = (scope, work) =>
    original(scope, (tx) =>
      work(
        new Proxy(tx, {
          get(target, key) {
            if (key !== 'query' && key !== 'last') return Reflect.get(target, key, target);
            return (statement: Parameters<typeof tx.query>[0]) => {
              queries += 1;
              return target[key](statement);
            };
          },
        }),
      ),
    );
  Object.defineProperty(db, 'withTenant', { value: counted, configurable: true, writable: true });
  try {
    const count = async (route: string) => {
      queries = 0;
      const { json } = await client.expect(200, route);
      return { queries, rows: json.items.length as number };
    };
    const conversation = await createConversation(client, own.id);
    const routes = [
      'GET /agents?limit=200',
      `GET /conversations?agentId=${own.id}`,
      `GET /conversations/${conversation.id}/messages`,
      `GET /agents/${own.id}/documents`,
    ];
    const few = [];
    for (const route of routes) few.push(await count(route));
    expect(few.every((answer) => answer.queries > 0)).toBe(true);
    for (let number = 0; number < 5; number += 1) {
      await createAgent(client);
      await createConversation(client, own.id);
      // Waited for, so that no background reading is counted with the lists.
      await uploadAndRead(client, own.id, `${number}.txt`, 'text');
      await waitForAnswer(client, await say(client, conversation.id, `Question ${number}`));
    }
    for (const [index, route] of routes.entries()) {
      const many = await count(route);
      expect(many.rows).toBeGreaterThan(few[index]!.rows + 4);
      expect(many.queries).toBe(few[index]!.queries);
    }
  } finally {
    Object.defineProperty(db, 'withTenant', { value: original, configurable: true, writable: true });
  }
});
