/** Sign in with Apple: a client secret signed for each request, and id tokens that a phone app brings by itself. */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { createRemoteJWKSet, customFetch, jwtVerify, type RemoteJWKSet } from 'jose';
import type { ClientAuth } from 'openid-client';
import type { Services } from '#kernel/app';
import type { Config } from '#kernel/config';
import type { OutboundClient } from '#kernel/outbound';
import { signOnErrors } from './errors.ts';
import { providerFetch } from './provider-fetch.ts';
import { readClaims, readName } from './read-claims.ts';
import type { ProviderProfile } from './types.ts';

export const appleIssuer = 'https://appleid.apple.com';
const appleKeys = `${appleIssuer}/auth/keys`;
const secretSeconds = 300;
/** An id token older than this is not from a sign-in that is going on. */
const maxTokenAgeSeconds = 600;

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** appleClientAuth signs a secret for each request: none lies around that could be used for months. */
export function appleClientAuth(config: Config): ClientAuth {
  return (_server, client, body) => {
    const now = Math.floor(Date.now() / 1000);
    const header = { alg: 'ES256', kid: config.appleKeyId, typ: 'JWT' };
    const names = { iss: config.appleTeamId, sub: client.client_id, aud: appleIssuer };
    const claims = `${encode(header)}.${encode({ ...names, iat: now, exp: now + secretSeconds })}`;
    const key = createPrivateKey(config.applePrivateKey ?? '');
    const signature = sign('sha256', Buffer.from(claims), { key, dsaEncoding: 'ieee-p1363' });
    body.set('client_id', client.client_id);
    body.set('client_secret', `${claims}.${signature.toString('base64url')}`);
  };
}

const keySets = new WeakMap<OutboundClient, RemoteJWKSet>();

/** appleKeySet keeps Apple's keys for ten minutes, and asks again for an unknown key id, at most every 30 seconds. */
function appleKeySet(parts: Pick<Services, 'outbound' | 'config'>): RemoteJWKSet {
  const existing = keySets.get(parts.outbound);
  if (existing) return existing;
  const fetchIt = providerFetch(parts);
  const keySet = createRemoteJWKSet(new URL(appleKeys), {
    timeoutDuration: parts.config.signOnTimeoutMs,
    [customFetch]: (url, { headers, signal }) => fetchIt(url, { headers, signal }),
  });
  keySets.set(parts.outbound, keySet);
  return keySet;
}

export interface NativeProof {
  readonly idToken: string;
  readonly nonce: string;
  readonly name?: string | undefined;
}

/**
 * signedPartOf is what of an id token its signature covers, by which a used one is known again: the signature itself can
 * be written in several ways that all verify.
 */
export function signedPartOf(idToken: string): string {
  return idToken.slice(0, idToken.lastIndexOf('.'));
}

/**
 * verifyNativeApple checks a phone app's id token: Apple's signature, our app as audience, issued within ten minutes,
 * and the nonce (or its SHA-256 in hex, as Apple's own sample does). `expiresAt`: until then it must not count again.
 */
export async function verifyNativeApple(
  parts: Pick<Services, 'outbound' | 'config'>,
  proof: NativeProof,
): Promise<{ readonly profile: ProviderProfile; readonly expiresAt: Date }> {
  const { payload } = await jwtVerify(proof.idToken, appleKeySet(parts), {
    issuer: appleIssuer,
    audience: [...parts.config.appleAppIds],
    algorithms: ['RS256', 'ES256'],
    maxTokenAge: maxTokenAgeSeconds,
    clockTolerance: 30,
    requiredClaims: ['sub', 'exp', 'iat', 'nonce'],
  });
  const hashed = createHash('sha256').update(proof.nonce).digest('hex');
  if (payload['nonce'] !== proof.nonce && payload['nonce'] !== hashed)
    throw signOnErrors.SIGN_ON_REFUSED({ internal: 'the nonce is another one' });
  const profile = readClaims(payload, false);
  return {
    profile: { ...profile, name: readName(proof.name) },
    expiresAt: new Date((payload.exp ?? 0) * 1000 + 60_000),
  };
}

/** readAppleName takes the name out of what Apple posts beside the code on the first sign-in; it proves nothing. */
export function readAppleName(user: string | undefined): string | null {
  if (user === undefined) return null;
  try {
    const { name } = JSON.parse(user) as { name?: { firstName?: unknown; lastName?: unknown } };
    return readName([name?.firstName, name?.lastName].filter((part) => typeof part === 'string').join(' '));
  } catch {
    return null; // not JSON: then there is no name
  }
}
