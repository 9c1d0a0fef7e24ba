/** GitHub speaks OAuth without id tokens: who signed in is read from its API, the address from the verified primary one. */
import { z } from 'zod';
import type { Services } from '#kernel/app';
import { signOnErrors } from './errors.ts';
import { providerFetch, type ProviderFetch } from './provider-fetch.ts';
import { readEmail, readName } from './read-claims.ts';
import type { AttemptRow, Provider, ProviderProfile } from './types.ts';
import { calculatePKCECodeChallenge } from 'openid-client';

type Parts = Pick<Services, 'outbound' | 'config'>;

const tokenAnswer = z.object({ access_token: z.string().min(1).optional(), error: z.string().optional() });
const userAnswer = z.object({ id: z.int().positive(), login: z.string(), name: z.string().nullish() });
const emailsAnswer = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

/** apiUrlOf is where the API is: a host of its own for github.com, a path on Enterprise servers. */
function apiUrlOf(issuer: string): string {
  const base = issuer.replace(/\/+$/, '');
  return base === 'https://github.com' ? 'https://api.github.com' : `${base}/api/v3`;
}

/** beginGithub is the address at GitHub that the browser goes to. */
export async function beginGithub(
  provider: Provider,
  attempt: { readonly state: string; readonly codeVerifier: string; readonly redirectUri: string },
): Promise<string> {
  const address = new URL(`${provider.issuer.replace(/\/+$/, '')}/login/oauth/authorize`);
  address.search = new URLSearchParams({
    client_id: provider.clientId,
    redirect_uri: attempt.redirectUri,
    scope: 'read:user user:email',
    state: attempt.state,
    code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
    response_type: 'code',
  }).toString();
  return address.href;
}

async function readJson<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
  if (!response.ok) throw signOnErrors.SIGN_ON_PROVIDER_AWAY({ internal: `GitHub answered ${response.status}` });
  const body: unknown = await response.json().catch(() => null);
  const result = schema.safeParse(body);
  if (!result.success) throw signOnErrors.SIGN_ON_PROVIDER_AWAY({ internal: 'GitHub answered in another shape' });
  return result.data;
}

async function exchangeCode(provider: Provider, attempt: AttemptRow, code: string, fetchIt: ProviderFetch) {
  const body = new URLSearchParams({
    client_id: provider.clientId,
    client_secret: provider.clientSecret ?? '',
    code,
    redirect_uri: attempt.redirect_uri,
    code_verifier: attempt.code_verifier,
  });
  const response = await fetchIt(`${provider.issuer.replace(/\/+$/, '')}/login/oauth/access_token`, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
  const { access_token: token, error } = await readJson(response, tokenAnswer);
  if (token === undefined) throw signOnErrors.SIGN_ON_REFUSED({ internal: `GitHub refused the code: ${error ?? '?'}` });
  return token;
}

/** finishGithub exchanges the code and reads person and addresses; the token is forgotten at once. */
export async function finishGithub(
  provider: Provider,
  parts: Parts,
  attempt: AttemptRow,
  answer: URLSearchParams,
): Promise<ProviderProfile> {
  if (answer.get('error') === 'access_denied') throw signOnErrors.SIGN_ON_CANCELLED();
  const codes = answer.getAll('code');
  const [code] = codes;
  if (codes.length !== 1 || !code) throw signOnErrors.SIGN_ON_REFUSED({ internal: 'no code, or more than one' });
  const fetchIt = providerFetch(parts);
  const token = await exchangeCode(provider, attempt, code, fetchIt);
  const headers = { accept: 'application/vnd.github+json', authorization: `Bearer ${token}` };
  const api = apiUrlOf(provider.issuer);
  const user = await readJson(await fetchIt(`${api}/user`, { headers }), userAnswer);
  const emails = await readJson(await fetchIt(`${api}/user/emails`, { headers }), emailsAnswer);
  const primary = emails.find((entry) => entry.primary);
  return {
    subject: String(user.id), // the login can be changed, and then taken by somebody else
    email: readEmail(primary?.email),
    isEmailVerified: primary?.verified ?? false,
    name: readName(user.name) ?? readName(user.login),
  };
}
