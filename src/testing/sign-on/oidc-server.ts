/** A real OpenID Connect provider on loopback, with a form that asks who one is; its accounts are made up by the test. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type Configuration } from 'oidc-provider';

export interface OidcAccount {
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

export interface OidcServer extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who can sign in there, by login. */
  readonly accounts: Map<string, OidcAccount>;
  /** Registers a redirect address; call it before the browser comes. */
  allowRedirect(redirectUri: string): void;
  /** Says where the provider tells of people who sign out, and where it sends browsers then; before the browser comes. */
  allowSignOut(backchannelLogoutUri: string, postLogoutRedirectUri: string): void;
  /** Tells of somebody who has signed out there: of one session, or, without it, of the person. Throws when it is refused. */
  tellSignOut(login: string, session?: string): Promise<void>;
  /** Walks through the provider's pages as `login` and returns the address that the browser is sent back to. */
  walk(url: string, login: string): Promise<URL>;
}

/** What the library's types do not tell of its clients. */
interface LogoutClient {
  backchannelLogoutSessionRequired: boolean;
  backchannelLogout(sub: string, sid: string | undefined): Promise<void>;
}

const clientId = 'bulkhead';
const clientSecret = 'a-client-secret-of-32-characters';

function page(body: string): string {
  return `<!doctype html><html lang="en"><head><title>Provider</title></head><body><h1>Provider</h1>${body}</body></html>`;
}

function configurationOf(
  redirectUris: string[],
  signOut: Record<string, unknown>,
  accounts: Map<string, OidcAccount>,
): Configuration {
  return {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris, ...signOut }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    // Its own way out refuses loopback, which is where the server under test is.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined } as RequestInit),
    cookies: { keys: ['some-key-for-cookies'] },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: async (_ctx, login) => ({
      accountId: login,
      claims: async () => ({ sub: login, ...accounts.get(login) }),
    }),
    // Nobody is asked to consent: that is between the provider and its people.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId, accountId: ctx.oidc.session?.accountId ?? '' });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  };
}

/** startOidcServer listens on a free port. The redirect addresses come later, when the server under test is there. */
export async function startOidcServer(): Promise<OidcServer> {
  const accounts = new Map<string, OidcAccount>();
  const redirectUris: string[] = [];
  let signOut: Record<string, unknown> = {};
  let provider: Provider | undefined;
  const server = createServer((request, response) => {
    void (async () => {
      provider ??= new Provider(issuer, configurationOf([...redirectUris], signOut, accounts));
      const uid = /^\/interaction\/([\w-]+)$/.exec(request.url ?? '')?.[1];
      if (uid === undefined) return provider.callback()(request, response);
      if (request.method !== 'POST') {
        response.setHeader('content-type', 'text/html');
        response.end(
          page(
            `<form method="post"><label>Login <input name="login" autofocus></label><button>Continue</button></form>`,
          ),
        );
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const login = new URLSearchParams(Buffer.concat(chunks).toString()).get('login') ?? '';
      const result =
        login === '' ? { error: 'access_denied', error_description: 'no' } : { login: { accountId: login } };
      await provider.interactionFinished(request, response, result);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    clientId,
    clientSecret,
    accounts,
    allowRedirect(redirectUri) {
      redirectUris.push(redirectUri);
      provider = undefined;
    },
    allowSignOut(backchannelLogoutUri, postLogoutRedirectUri) {
      signOut = {
        backchannel_logout_uri: backchannelLogoutUri,
        backchannel_logout_session_required: true,
        post_logout_redirect_uris: [postLogoutRedirectUri],
      };
      provider = undefined;
    },
    async tellSignOut(login, session) {
      const client = (await provider?.Client.find(clientId)) as LogoutClient | undefined;
      if (!client) throw new Error('nobody has been here yet');
      client.backchannelLogoutSessionRequired = session !== undefined;
      await client.backchannelLogout(login, session);
    },
    walk: (url, login) => walk(issuer, url, login),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function walk(issuer: string, start: string, login: string): Promise<URL> {
  const jar = new Map<string, string>();
  let url = new URL(start);
  for (let hops = 0; hops < 10; hops += 1) {
    if (url.origin !== issuer) return url;
    const isForm = url.pathname.startsWith('/interaction/');
    const response = await fetch(url, {
      method: isForm ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(isForm ? { body: new URLSearchParams({ login }) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', ...value] = (line.split(';')[0] ?? '').split('=');
      jar.set(name, value.join('='));
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`the provider stopped with ${response.status}: ${await response.text()}`);
    url = new URL(location, url);
  }
  throw new Error('the provider goes round in circles');
}
