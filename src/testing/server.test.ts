/** The harness itself: a server that other tests can believe. */
import { expect, test } from 'vitest';
import { startTestServer } from './server.ts';

test('a test server has an owner, a stranger in another organisation, and ends without a trace', async () => {
  await using server = await startTestServer();
  const owner = await server.signUpOwner();
  const stranger = await server.secondTenant();
  expect(owner.principal.role).toBe('owner');
  expect(stranger.principal.tenantId).not.toBe(owner.principal.tenantId);
  const session = await owner.client.expect(200, 'GET /session');
  expect(session.json.user.email).toBe('ada@example.com');
  await server.anonymous.expect(401, 'GET /session');
});
