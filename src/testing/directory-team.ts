/** An organisation with a directory, seen from the directory: what it sends, and what became of it. */
import { newId } from '#kernel/ids';
import { cookieHeader, type Answer, type IdentityServer } from './identity-server.ts';

/** DirectoryTeam is a team organisation with an owner, a proved domain and a directory's token. */
export interface DirectoryTeam {
  readonly cookie: string;
  readonly tenantId: string;
  readonly domain: string;
  readonly token: string;
  scim(route: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

let count = 0;

/** connectDirectory makes one; each has a domain of its own. */
export async function connectDirectory(server: IdentityServer): Promise<DirectoryTeam> {
  count += 1;
  const domain = `team${count}.example`;
  const answer = await server.signUp(`Boss${count}`);
  const cookie = cookieHeader(answer.cookies);
  const userId: string = answer.json.user.id;
  const tenantId = newId();
  await server.asAuth('insert into auth.organizations (id, name) values ($1, $2)', [tenantId, domain]);
  await server.asAuth(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'owner')`, [
    tenantId,
    userId,
  ]);
  await server.asAuth('update auth.sessions set tenant_id = $1 where user_id = $2', [tenantId, userId]);
  server.identity.forget(`user:${userId}`);
  const connectionId = newId();
  await server.asAuth(
    `insert into auth.sso_connections (id, tenant_id, name, kind, issuer, client_id) values ($1, $2, 'Directory', 'oidc', 'https://id.example', 'us')`,
    [connectionId, tenantId],
  );
  await server.asAuth(
    `insert into auth.sso_domains (id, tenant_id, connection_id, domain, proof_token, verified_at, verified_by)
     values ($1, $2, $3, $4, 'proof', now(), 'dns')`,
    [newId(), tenantId, connectionId, domain],
  );
  const made = await server.ask('POST /directory/tokens', { cookie, body: { name: 'Entra ID' } });
  if (made.status !== 201) throw new Error(made.text);
  const token: string = made.json.secret;
  const contentType = 'application/scim+json';
  const scim: DirectoryTeam['scim'] = (route, body, headers = {}) =>
    server.ask(route.replace(' /', ' /scim/v2/'), { bearer: token, body, contentType, headers });
  return { cookie, tenantId, domain, token, scim };
}

/** person is somebody as a directory describes them, with more than is kept. */
export const person = (userName: string, more: Readonly<Record<string, unknown>> = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
  userName,
  name: { givenName: 'Grace', familyName: 'Hopper', honorificPrefix: 'Dr' },
  emails: [{ value: userName, type: 'work', primary: true }],
  active: true,
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Navy' },
  ...more,
});

/** patchOf is the body of a PATCH. */
export const patchOf = (...Operations: unknown[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

/** roleIn is null for who is no member. */
export const roleIn = async (
  server: IdentityServer,
  { tenantId }: DirectoryTeam,
  email: string,
): Promise<string | null> => {
  const [row] = await server.asAuth<{ role: string }>(
    'select m.role from auth.members m join auth.users u on u.id = m.user_id where m.tenant_id = $1 and u.email = $2',
    [tenantId, email],
  );
  return row?.role ?? null;
};

/** provision lets `name` at the team's domain in. */
export async function provision(team: DirectoryTeam, name: string): Promise<{ id: string; email: string }> {
  const email = `${name}@${team.domain}`;
  const answer = await team.scim('POST /Users', person(email));
  if (answer.status !== 201) throw new Error(answer.text);
  return { id: answer.json.id, email };
}
