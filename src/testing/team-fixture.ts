/** A team for tests: an organisation that several people share, each with a browser of their own that works in it. */
import type { Role } from '#kernel/auth';
import type { Tenant, TestServer } from './server.ts';
import { createClient, type TestClient } from './client.ts';

export interface Team {
  readonly id: string;
  readonly owner: TestClient;
}

/** createTeam makes an organisation and lets the owner's session work in it. */
export async function createTeam({ client }: Pick<Tenant, 'client'>, name = 'Crew'): Promise<Team> {
  const created = await client.expect(201, 'POST /organisations', { body: { name } });
  await client.expect(200, `POST /organisations/${created.json.id}/switch`);
  return { id: created.json.id, owner: client };
}

/** secondTeam signs up a stranger who owns, and works in, an organisation that others can belong to. */
export async function secondTeam(server: TestServer, name?: string): Promise<Tenant> {
  const { client } = await server.secondTenant();
  await createTeam({ client }, name);
  const principal = await server.services.identity.resolve({ cookie: client.cookie });
  if (!principal) throw new Error('the new organisation has no session in it');
  return { client, principal };
}

/** createLink returns the token of an invitation link made by the team's owner. */
export async function createLink(
  { owner }: Team,
  role: Exclude<Role, 'owner'>,
  more: { readonly maxUses?: number; readonly expiresInDays?: number } = {},
): Promise<string> {
  const link = await owner.expect(200, 'POST /invitation-links', { body: { role, ...more } });
  return link.json.token;
}

/** addMember signs up a stranger who joins by a link and works in the team from then on. */
export async function addMember(server: TestServer, team: Team, role: Role): Promise<Tenant> {
  const { client } = await server.secondTenant();
  const token = await createLink(team, role === 'owner' ? 'admin' : role);
  await client.expect(200, 'POST /invitation/accept', { body: { token } });
  const principal = await server.services.identity.resolve({ cookie: client.cookie });
  if (!principal) throw new Error('joining gave no session');
  if (role === 'owner') {
    const body = { remainOwner: true };
    await team.owner.expect(200, `POST /members/${principal.userId}/make-owner`, { body });
  }
  return { client, principal: { ...principal, role } };
}

/** signInElsewhere opens another browser of the same person. */
export async function signInElsewhere(server: TestServer, email: string, password: string): Promise<TestClient> {
  const client = createClient(server.url);
  await client.expect(200, 'POST /auth/sign-in', { body: { identifier: email, password } });
  return client;
}
