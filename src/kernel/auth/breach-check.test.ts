/** The breach check is optional: it adds to the list on disk and never stands in anybody's way. */
import { expect, test } from 'vitest';
import { startRangeServer } from '../../testing/range-server.ts';
import { startTestServer } from '../../testing/server.ts';

const breached = 'Tr0ub4dor&3 leaked in 2019';
const person = (name: string, password: string) => ({
  body: { name, email: `${name.toLowerCase()}@example.com`, password },
});
const loopback = { OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8' };

test('[K2.2] a breached password is refused by name of the rule; the service learns five digits of a hash', async () => {
  await using range = await startRangeServer([breached]);
  await using server = await startTestServer({ environment: { BREACH_RANGE_URL: range.url, ...loopback } });
  await server.signUpOwner();
  const refused = await server.anonymous.expect(400, 'POST /auth/sign-up', person('Eve', breached));
  expect(refused.json).toMatchObject({ code: 'PASSWORD_REFUSED', failedRules: ['breached'] });
  await server.anonymous.expect(201, 'POST /auth/sign-up', person('Eve', `${breached}, once`));
  expect(range.asked.length).toBeGreaterThan(0);
  for (const path of range.asked) expect(path).toMatch(/^\/range\/[0-9A-F]{5}$/);
  const before = range.asked.length;
  await server.anonymous.expect(400, 'POST /auth/sign-up', person('Eva', 'password1234'));
  expect(range.asked.length).toBe(before); // what the list on disk refuses is nobody else's business
});

test.each(['fail', 'stall', 'rubbish'] as const)('[K2.2] a service that does %s never fails a sign-up', async (how) => {
  await using range = await startRangeServer([breached]);
  range.behave(how);
  await using server = await startTestServer({ environment: { BREACH_RANGE_URL: range.url, ...loopback } });
  const startedAt = performance.now();
  await server.signUpOwner();
  await server.anonymous.expect(201, 'POST /auth/sign-up', person('Eve', breached));
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  expect(range.asked.length).toBe(2);
  const common = await server.anonymous.expect(400, 'POST /auth/sign-up', person('Eva', 'Password1234!'));
  expect(common.json.failedRules).toContain('common'); // the list on disk stands
});

test('[K2.2] a service that is not there at all never fails a sign-up', async () => {
  const environment = { BREACH_RANGE_URL: 'http://127.0.0.1:9/range/', ...loopback };
  await using server = await startTestServer({ environment });
  await server.signUpOwner();
  await server.anonymous.expect(201, 'POST /auth/sign-up', person('Eve', breached));
});
