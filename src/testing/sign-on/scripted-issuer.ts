/** An issuer of id tokens that says exactly what a test tells it to, truthful or not; also with Apple's addresses. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

export interface IssuerScript {
  /** Claims of the next id tokens, over the honest ones. */
  claims?: Record<string, unknown>;
  /** The whole id token, instead of one that is made. */
  idToken?: string;
  /** Signs with a key that is not published, under this key id. */
  foreignKeyId?: string;
  /** What the discovery document says, over the honest one. */
  metadata?: Record<string, unknown>;
  /** Addresses (paths) that are never answered. */
  silent?: readonly string[];
  tokenStatus?: number;
}

export interface ScriptedIssuer extends AsyncDisposable {
  readonly url: string;
  script: IssuerScript;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  /** The forms that came to the token endpoint. */
  readonly tokenForms: URLSearchParams[];
  /** Signs claims with the published key; the times are honest unless told. */
  sign(claims: Record<string, unknown>): Promise<string>;
  /** Publishes a new key in place of the old one. */
  rotate(): Promise<void>;
}

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function makeKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

function signWith(key: Key, kid: string, claims: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iat: now, exp: now + 300, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(key.privateKey);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** startScriptedIssuer listens on a free port. `issuerName` is what it calls itself; its own address unless told. */
export async function startScriptedIssuer(clientId: string, issuerName?: string): Promise<ScriptedIssuer> {
  let key = await makeKey('key-1');
  const foreign = await makeKey('foreign');
  const asked = new Map<string, number>();
  const tokenForms: URLSearchParams[] = [];
  const issuer: ScriptedIssuer = {
    url: '',
    script: {},
    asked,
    tokenForms,
    sign: (claims) => signWith(key, key.kid, claims),
    async rotate() {
      key = await makeKey(`key-${Date.now()}`);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  const name = () => issuerName ?? issuer.url;

  async function makeIdToken(): Promise<string> {
    const { claims, idToken, foreignKeyId } = issuer.script;
    if (idToken !== undefined) return idToken;
    const honest = { iss: name(), aud: clientId, sub: 'person-1', ...claims };
    return foreignKeyId === undefined ? issuer.sign(honest) : signWith(foreign, foreignKeyId, honest);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    asked.set(path, (asked.get(path) ?? 0) + 1);
    if (issuer.script.silent?.includes(path)) return;
    if (path === '/.well-known/openid-configuration') {
      sendJson(response, {
        issuer: name(),
        authorization_endpoint: `${name()}/auth/authorize`,
        token_endpoint: `${name()}/auth/token`,
        jwks_uri: `${name()}/auth/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: ['client_secret_post'],
        authorization_response_iss_parameter_supported: issuerName === undefined,
        ...issuer.script.metadata,
      });
    } else if (path === '/auth/keys') sendJson(response, { keys: [key.jwk] });
    else if (path === '/auth/token') {
      tokenForms.push(await readForm(request));
      const status = issuer.script.tokenStatus ?? 200;
      if (status !== 200) return sendJson(response, { error: 'invalid_grant' }, status);
      sendJson(response, { access_token: 'unused', token_type: 'Bearer', id_token: await makeIdToken() });
    } else sendJson(response, {}, 404);
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return Object.assign(issuer, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
