/** A logout token counts when it is what OpenID Connect Back-Channel Logout 1.0, 2.6 asks for, and once. */
import { createRemoteJWKSet, customFetch, decodeJwt, jwtVerify, type JWTPayload, type RemoteJWKSet } from 'jose';
import type { Configuration } from 'openid-client';
import type { Services } from '#kernel/app';
import { readConfiguration } from './oidc.ts';
import { providerFetch } from './provider-fetch.ts';
import { readSubject } from './read-claims.ts';
import type { Provider } from './types.ts';

type Parts = Pick<Services, 'outbound' | 'config'>;

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
/** A provider sends it at once; one that lay somewhere is not taken, whatever it says of its end. */
const maxAgeSeconds = 300;
const clockSkewSeconds = 60;
/** What only the provider can sign: no `none`, and no secret that somebody could take for a key. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Keys live as long as the provider's description does: ten minutes, and asked for again for an unknown id. */
const keySets = new WeakMap<Configuration, RemoteJWKSet>();

function keySetOf(configuration: Configuration, parts: Parts): RemoteJWKSet {
  const existing = keySets.get(configuration);
  if (existing) return existing;
  const { jwks_uri: address } = configuration.serverMetadata();
  if (address === undefined) throw new Error('the provider’s description names no keys');
  const fetchIt = providerFetch(parts);
  const keySet = createRemoteJWKSet(new URL(address), {
    timeoutDuration: parts.config.signOnTimeoutMs,
    [customFetch]: (url, { headers, signal }) => fetchIt(url, { headers, signal }),
  });
  keySets.set(configuration, keySet);
  return keySet;
}

/** Logout names whose sessions end: of one session at the provider, or all of a person. */
export interface Logout {
  readonly subject: string | null;
  readonly providerSession: string | null;
  /** Names the token for the memory of what was used. */
  readonly proof: string;
  readonly expiresAt: Date;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

function checkClaims(payload: JWTPayload): void {
  const events = payload['events'] as Record<string, unknown> | undefined;
  if (!isObject(events) || !events || !Object.hasOwn(events, logoutEvent) || !isObject(events[logoutEvent]))
    throw new Error('the token is no logout token');
  // With a nonce it would be an id token that somebody passes off as one of these.
  if ('nonce' in payload) throw new Error('the logout token has a nonce');
  if (payload.sub === undefined && payload['sid'] === undefined)
    throw new Error('the logout token names neither a person nor a session');
}

/** verifyLogoutToken throws whatever does not hold. The caller remembers `proof`. */
export async function verifyLogoutToken(provider: Provider, parts: Parts, token: string): Promise<Logout> {
  // Anybody can send something here: what could never count does not make this server ask the provider.
  checkClaims(decodeJwt(token));
  const configuration = await readConfiguration(provider, parts);
  const { payload, protectedHeader } = await jwtVerify(token, keySetOf(configuration, parts), {
    issuer: configuration.serverMetadata().issuer,
    audience: provider.clientId,
    algorithms,
    maxTokenAge: maxAgeSeconds,
    clockTolerance: clockSkewSeconds,
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
  });
  const { typ } = protectedHeader;
  if (typ !== undefined && !/^(?:application\/)?(?:logout\+jwt|jwt)$/i.test(typ))
    throw new Error('the token is of another type');
  return {
    subject: payload.sub === undefined ? null : readSubject(payload.sub),
    providerSession: payload['sid'] === undefined ? null : readSubject(payload['sid']),
    proof: `logout ${provider.id} ${readSubject(payload.jti)}`,
    // As long as its age would let it count again.
    expiresAt: new Date(((payload.iat ?? 0) + maxAgeSeconds + 2 * clockSkewSeconds) * 1000),
  };
}
