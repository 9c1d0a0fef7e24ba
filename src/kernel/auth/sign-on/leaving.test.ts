/** Who has left an organisation is not its provider's to be any more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestClient } from '../../../testing/client.ts';
import { startOrganisation, type Organisation } from '../../../testing/sign-on/organisation.ts';

let corp: Organisation;
beforeAll(async () => {
  corp = await startOrganisation();
});
afterAll(() => corp?.[Symbol.asyncDispose]());

/** linkTo goes to the organisation's provider to link it, as who it calls `nameId`. */
async function linkTo(client: TestClient, nameId: string): Promise<void> {
  const body = { provider: corp.connection.id };
  const { url } = (await client.expect(200, 'POST /auth/sign-on/link', { body })).json;
  const { id, relayState } = await corp.idp.readRequest(url);
  const address = await corp.post(await corp.idp.answer(corp.target(id), { nameId }), relayState);
  expect((await corp.finish(client, address)).json.outcome).toBe('linked');
}

const linksOf = async (client: TestClient) =>
  (await client.expect(200, 'GET /profile/linked-accounts')).json.items.length;

async function sessionOf(client: TestClient) {
  return (await client.expect(200, 'GET /session')).json;
}

test('[K2.5] [K3.1] a provider does not sign in as somebody of another address who left, or was removed', async () => {
  const acts = [
    (client: TestClient) => client.expect(200, 'POST /organisation/leave'),
    async (client: TestClient) => {
      const { user } = await sessionOf(client);
      await corp.owner.client.expect(204, `DELETE /members/${user.id}`);
    },
  ];
  for (const [index, act] of acts.entries()) {
    const nameId = `contractor-${index}@corp.example`;
    const { client } = await corp.server.secondTenant();
    await linkTo(client, nameId);
    const inside = corp.browser();
    expect((await corp.signOn(inside, { nameId })).json).toMatchObject({ outcome: 'signed-in', isNew: false });
    expect((await sessionOf(inside)).user.id).toBe((await sessionOf(client)).user.id);
    await act(inside);
    expect(await linksOf(client)).toBe(0);
    const later = corp.browser();
    expect((await corp.signOn(later, { nameId })).json).toMatchObject({ outcome: 'signed-in', isNew: true });
    expect((await sessionOf(later)).user.id).not.toBe((await sessionOf(client)).user.id);
  }
});

test('[K2.5] [K3.1] who has an address of the organisation, or no other way in, keeps the link', async () => {
  const nameId = 'regular@corp.example';
  const inside = corp.browser();
  expect((await corp.signOn(inside, { nameId })).json).toMatchObject({ isNew: true });
  const { user } = await sessionOf(inside);
  await inside.expect(200, 'POST /organisation/leave');
  expect(await linksOf(inside)).toBe(1);
  expect((await corp.signOn(inside, { nameId })).json).toMatchObject({ outcome: 'signed-in', isNew: false });
  await corp.server.services.db.withAuth((tx) =>
    tx.query({ text: `update auth.users set email = 'regular@private.example' where id = $1`, values: [user.id] }),
  );
  await corp.owner.client.expect(204, `DELETE /members/${user.id}`);
  expect(await linksOf(inside)).toBe(1);
});
