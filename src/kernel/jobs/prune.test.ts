/** What background work leaves behind ends, and what is still to be done stays. */
import { expect, test } from 'vitest';
import { createAgent, startAgents, uploadAndRead, waitFor } from '../../testing/agents-fixture.ts';
import { asAdmin } from '../../testing/as-admin.ts';

test('[K16.2] jobs that ended are deleted once they are old enough, with their inputs; one that waits stays', async () => {
  await using agents = await startAgents();
  const { server, client } = agents;
  const agent = await createAgent(client);
  const document = await uploadAndRead(client, agent.id, 'moon.md', 'The moon is made of rock.');
  const count = () =>
    asAdmin(server.database, async (query) => {
      const [row] = await query<{ jobs: number; inputs: number; naming: number }>(
        `select (select count(*)::int from dbos.workflow_status) as jobs,
                (select count(*)::int from dbos.workflow_input) as inputs,
                (select count(*)::int from dbos.workflow_input where position($1 in inputs) > 0) as naming`,
        [document.id],
      );
      return row;
    });
  await waitFor('the job to end', async () => {
    const done = await asAdmin(server.database, (query) =>
      query(`select 1 from dbos.workflow_status where status = 'SUCCESS' and position($1 in workflow_uuid) > 0`, [
        document.id,
      ]),
    );
    return done.length > 0;
  });
  expect((await count())?.naming).toBe(1);
  const { jobs } = server.services;
  expect(await jobs.prune(new Date(Date.now() - 60_000))).toBe(0);
  await asAdmin(server.database, (query) =>
    query(
      `insert into dbos.workflow_status (workflow_uuid, status, name, created_at, updated_at, recovery_attempts)
       values ('a job that waits', 'ENQUEUED', 'desk.wait.v1', 1, 1, 0)`,
    ),
  );
  expect(await jobs.prune(new Date(Date.now() + 60_000))).toBe(1);
  expect(await count()).toEqual({ jobs: 1, inputs: 0, naming: 0 });
});
