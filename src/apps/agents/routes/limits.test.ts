/** The limits of agents hold, each under its own name. A file of its own: one process runs one server at a time. */
import { expect, test } from 'vitest';
import { createAgent, createConversation, startAgents } from '../../../testing/agents-fixture.ts';
import type { TestClient } from '../../../testing/client.ts';
import { addMember, createTeam } from '../../../testing/team-fixture.ts';

test('[K4.2] the limits hold, and are told with the time to wait', async () => {
  await using limited = await startAgents({
    environment: {
      LIMITS: 'agents.read=2/60,agents.write=2/60,agents.upload=1/60,agents.conversation=1/60,agents.chat=1/60',
    },
  });
  const agent = await createAgent(limited.client);
  await createAgent(limited.client);
  const { json, headers } = await limited.client.expect(429, 'POST /agents', { body: { name: 'x' } });
  expect(json.code).toBe('RATE_LIMITED');
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  const upload = () =>
    limited.client.upload(`POST /agents/${agent.id}/documents`, { name: 'a.txt', type: 'text/plain', bytes: 'x' });
  expect([(await upload()).status, (await upload()).status]).toEqual([202, 429]);
  const conversation = await createConversation(limited.client, agent.id);
  await limited.client.expect(429, 'POST /conversations', { body: { agentId: agent.id } });
  const say = () => limited.client.ask(`POST /conversations/${conversation.id}/messages`, { body: { text: 'Hello' } });
  expect([(await say()).status, (await say()).status]).toEqual([202, 429]);
  await limited.client.expect(200, 'GET /agents');
  await limited.client.expect(200, 'GET /agents');
  await limited.client.expect(429, 'GET /agents');
});

test('[K4.2] who is refused by their own limit uses up nothing of what their organisation may ask', async () => {
  await using limited = await startAgents({ environment: { LIMITS: 'agents.chat=1/60,agents.chat.free=3/60' } });
  const team = await createTeam(limited.owner, 'Shared chat');
  const member = await addMember(limited.server, team, 'member');
  const agent = await createAgent(team.owner);
  const say = async (client: TestClient) => {
    const { id } = await createConversation(client, agent.id);
    return () => client.ask(`POST /conversations/${id}/messages`, { body: { text: 'Hello' } });
  };
  const [flood, ask] = [await say(team.owner), await say(member.client)];
  expect((await flood()).headers.get('ratelimit')).toMatch(
    /^"agents\.chat";r=0;t=\d+, "agents\.chat\.free";r=2;t=\d+$/,
  );
  for (let times = 0; times < 5; times += 1) {
    const refused = await flood();
    expect([refused.status, refused.json['violated-policies']]).toEqual([429, ['agents.chat']]);
    expect(refused.headers.get('ratelimit')).toContain('"agents.chat.free";r=2;');
  }
  expect((await ask()).status).toBe(202);
});
