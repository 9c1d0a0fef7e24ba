/** An organisation with a SAML provider and a proved domain, on a whole server, and people who go the whole way through it. */
import { createClient, type TestClient } from '../client.ts';
import { startTestServer, type Tenant, type TestServer } from '../server.ts';
import { secondTeam } from '../team-fixture.ts';
import { startDnsServer, type DnsServer } from './dns-server.ts';
import { createSamlProvider, type SamlAnswer, type SamlProvider } from './saml-provider.ts';
import type { Answer } from '../client.ts';

export interface Organisation extends AsyncDisposable {
  readonly server: TestServer;
  readonly dns: DnsServer;
  readonly idp: SamlProvider;
  readonly owner: Tenant;
  readonly connection: Answer['json'];
  browser(): TestClient;
  /** Claims a domain for the connection and proves it. */
  claim(domain: string): Promise<void>;
  /** Leaves for the provider; what our request says. */
  leave(client: TestClient): Promise<{ readonly id: string; readonly relayState: string }>;
  /** Who a request with this id is from, for the provider. */
  target(id: string): { readonly id: string; readonly acsUrl: string; readonly entityId: string };
  /** Does what the browser does with the provider's page: a form from another site, without any cookie. */
  post(response: string, relayState: string): Promise<URL>;
  finish(client: TestClient, address: URL): ReturnType<TestClient['ask']>;
  /** Goes the whole way; status 0 when it ended at /sign-in, with the problem named there as code. */
  signOn(client: TestClient, answer?: SamlAnswer): Promise<{ readonly status: number; readonly json: Answer['json'] }>;
}

const limits = ['auth.sign-on-start', 'auth.sign-on-finish', 'auth.sign-on-look', 'sign-on.domains', 'sign-on.settings']
  .map((name) => `${name}=100000/60`)
  .join(',');

/** startOrganisation starts everything; people who come get the role viewer, and the domain is corp.example. */
export async function startOrganisation(): Promise<Organisation> {
  const idp = createSamlProvider();
  const dns = await startDnsServer();
  const server = await startTestServer({ environment: { DNS_SERVERS: dns.address, LIMITS: limits } });
  await server.signUpOwner();
  const owner = await secondTeam(server);
  const body = { name: 'Corp', kind: 'saml', metadataXml: idp.metadata, defaultRole: 'viewer' };
  const connection = (await owner.client.expect(201, 'POST /sso-connections', { body })).json;

  async function post(response: string, relayState: string): Promise<URL> {
    const form = new URLSearchParams({
      SAMLResponse: response,
      RelayState: relayState,
      Extra: 'left aside',
    }).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'cross-site',
      origin: 'https://idp.example.com',
    };
    const answer = await server.anonymous.sendRaw('POST /auth/sign-on/saml', headers, form);
    const cookies = answer.headers.getSetCookie();
    if (answer.status !== 303 || cookies.length > 0) throw new Error(`the form was answered with ${answer.status}`);
    return new URL(answer.headers.get('location') ?? '', server.url);
  }

  const organisation: Organisation = {
    server,
    dns,
    idp,
    owner,
    connection,
    browser: () => createClient(server.url),
    async claim(domain) {
      const route = `POST /sso-connections/${connection.id}/domains`;
      const claimed = await owner.client.expect(201, route, { body: { domain } });
      dns.txt.set(domain, ['v=spf1 -all', claimed.json.record]);
      await owner.client.expect(200, `POST /sso-domains/${claimed.json.id}/verify`);
    },
    async leave(client) {
      const { json } = await client.expect(200, 'POST /auth/sign-on/start', { body: { provider: connection.id } });
      return idp.readRequest(json.url);
    },
    target: (id) => ({ id, acsUrl: connection.acsUrl, entityId: connection.entityId }),
    post,
    finish: (client, address) =>
      client.ask('POST /auth/sign-on/finish', {
        body: { provider: connection.id, query: address.searchParams.toString() },
      }),
    async signOn(client, answer = {}) {
      const { id, relayState } = await organisation.leave(client);
      const address = await post(await idp.answer(organisation.target(id), answer), relayState);
      if (address.pathname === '/sign-in') return { status: 0, json: { code: address.searchParams.get('problem') } };
      return organisation.finish(client, address);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
    },
  };
  await organisation.claim('corp.example');
  return organisation;
}
