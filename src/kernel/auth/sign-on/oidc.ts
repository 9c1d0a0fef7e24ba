/**
 * OpenID Connect: authorization code with PKCE, state and nonce; the issuer named in the answer and the id token's
 * signature, issuer, audience and times are checked. Discovery and keys are kept for a bounded time.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  type ClientAuth,
} from 'openid-client';
import type { Services } from '#kernel/app';
import type { OutboundClient } from '#kernel/outbound';
import { hashToken } from '../session-cookie.ts';
import { signOnAddresses } from './addresses.ts';
import { appleClientAuth } from './apple.ts';
import { signOnErrors } from './errors.ts';
import { providerFetch } from './provider-fetch.ts';
import { readClaims } from './read-claims.ts';
import type { AttemptRow, Provider, ProviderProfile, SignOnPurpose } from './types.ts';

type Parts = Pick<Services, 'outbound' | 'config'>;

interface Known {
  readonly configuration: Promise<Configuration>;
  readonly readAt: number;
}

/** How long a discovery document is believed. Keys are read anew after 5 minutes, and sooner for an unknown key id. */
const maxAgeMilliseconds = 3_600_000;
const mostKnown = 200;
const known = new WeakMap<OutboundClient, Map<string, Known>>();
/** Ids of sessions at a provider; a longer one is not kept. */
const maxSessionLength = 500;
/** A person may take this long between showing who they are at the provider and arriving here. */
const freshProofSeconds = 300;

function clientAuthOf(
  provider: Provider,
  methods: readonly string[] | undefined,
  config: Services['config'],
): ClientAuth {
  if (provider.kind === 'apple') return appleClientAuth(config);
  if (provider.clientSecret === undefined) return None();
  // Without a word about it, the standard says Basic.
  const isBasic = methods === undefined || methods.includes('client_secret_basic');
  return isBasic ? ClientSecretBasic(provider.clientSecret) : ClientSecretPost(provider.clientSecret);
}

async function discover(provider: Provider, parts: Parts): Promise<Configuration> {
  const issuer = new URL(provider.issuer);
  const isPlain = issuer.protocol === 'http:';
  const fetchIt = providerFetch(parts) as never;
  const found = await discovery(issuer, provider.clientId, undefined, None(), {
    [customFetch]: fetchIt,
    execute: isPlain ? [allowInsecureRequests] : [],
  });
  const metadata = found.serverMetadata();
  const auth = clientAuthOf(provider, metadata.token_endpoint_auth_methods_supported, parts.config);
  const configuration = new Configuration(metadata, provider.clientId, undefined, auth);
  configuration[customFetch] = fetchIt;
  if (isPlain) allowInsecureRequests(configuration);
  enableNonRepudiationChecks(configuration); // the id token's signature counts, not only the connection it came by
  return configuration;
}

/** readConfiguration gives the provider's configuration, from memory when it was read lately; a failure is not kept. */
export function readConfiguration(provider: Provider, parts: Parts, isFresh = false): Promise<Configuration> {
  const mine = known.get(parts.outbound) ?? new Map<string, Known>();
  known.set(parts.outbound, mine);
  const key = [provider.issuer, provider.clientId, hashToken(provider.clientSecret ?? '')].join('\n');
  const entry = mine.get(key);
  if (entry && !isFresh && performance.now() - entry.readAt < maxAgeMilliseconds) return entry.configuration;
  const configuration = discover(provider, parts);
  const [oldest] = mine.keys();
  if (mine.size >= mostKnown && oldest !== undefined) mine.delete(oldest);
  mine.set(key, { configuration, readAt: performance.now() });
  configuration.catch(() => mine.delete(key));
  return configuration;
}

/** beginOidc is the address at the provider that the browser goes to. */
export async function beginOidc(
  provider: Provider,
  parts: Parts,
  attempt: {
    readonly state: string;
    readonly nonce: string;
    readonly codeVerifier: string;
    readonly redirectUri: string;
  },
  purpose: SignOnPurpose,
): Promise<string> {
  const configuration = await readConfiguration(provider, parts);
  const isApple = provider.kind === 'apple';
  const address = buildAuthorizationUrl(configuration, {
    redirect_uri: attempt.redirectUri,
    scope: isApple ? 'openid name email' : 'openid email profile',
    state: attempt.state,
    nonce: attempt.nonce,
    // Apple knows no PKCE; its codes are bound to the nonce and to our signed secret.
    ...(isApple
      ? { response_mode: 'form_post' }
      : { code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier), code_challenge_method: 'S256' }),
    ...(purpose === 'step-up' && !isApple ? { prompt: 'login', max_age: String(freshProofSeconds) } : {}),
  });
  return address.href;
}

/** finishOidc exchanges the code and returns what the provider says of the person. Throws whatever does not hold. */
export async function finishOidc(
  provider: Provider,
  parts: Parts,
  attempt: AttemptRow,
  answer: URLSearchParams,
): Promise<ProviderProfile> {
  const configuration = await readConfiguration(provider, parts);
  const address = new URL(attempt.redirect_uri);
  address.search = answer.toString();
  const tokens = await authorizationCodeGrant(configuration, address, {
    expectedState: answer.get('state') ?? '',
    expectedNonce: attempt.nonce,
    idTokenExpected: true,
    ...(provider.kind === 'apple' ? {} : { pkceCodeVerifier: attempt.code_verifier }),
  });
  const claims = tokens.claims();
  if (!claims) throw new Error('there is no id token');
  if (attempt.purpose === 'step-up' && claims.auth_time !== undefined) {
    const age = Date.now() / 1000 - claims.auth_time;
    if (age > freshProofSeconds * 2) throw signOnErrors.SIGN_ON_REFUSED({ internal: 'the proof is old' });
  }
  const isComplete = claims['email'] !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined;
  const more = isComplete ? {} : await fetchUserInfo(configuration, tokens.access_token, claims.sub);
  const profile = readClaims({ ...more, ...claims }, provider.connection !== null);
  const { sid } = claims;
  const isUsable = typeof sid === 'string' && sid.length <= maxSessionLength && !/\p{Cc}/u.test(sid);
  return { ...profile, session: { id: isUsable ? sid : null, idToken: tokens.id_token ?? '' } };
}

/**
 * endSessionAddress is where the browser signs out at the provider (RP-Initiated Logout 1.0); null when it offers nothing
 * of the kind. Throws when the provider is away.
 */
export async function endSessionAddress(
  provider: Provider,
  parts: Parts,
  origin: string,
  idToken: string | null,
): Promise<string | null> {
  const configuration = await readConfiguration(provider, parts);
  if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
  const { postLogoutRedirectUri } = signOnAddresses(origin, provider.id);
  return buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: postLogoutRedirectUri,
    ...(idToken === null ? {} : { id_token_hint: idToken }),
  }).href;
}
