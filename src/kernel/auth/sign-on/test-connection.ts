/** Tries an identity provider without signing anybody in, and says in one sentence what is wrong. */
import type { Services } from '#kernel/app';
import { readConfiguration } from './oidc.ts';
import { isAwayError, providerFetch } from './provider-fetch.ts';
import { reasonOf } from './provider-failure.ts';
import { toProvider } from './providers.ts';
import { describeCertificate } from './saml-metadata.ts';
import type { SsoConnectionRow } from './types.ts';

export interface TestResult {
  readonly isOk: boolean;
  readonly detail: string;
}

const dayMilliseconds = 86_400_000;

async function testOidc(services: Services, row: SsoConnectionRow): Promise<TestResult> {
  const provider = await toProvider(services, row);
  const configuration = await readConfiguration(provider, services, true);
  const { jwks_uri: keys, authorization_endpoint: door, token_endpoint: tokens } = configuration.serverMetadata();
  if (!keys || !door || !tokens)
    return { isOk: false, detail: 'The provider’s discovery document lacks its keys or one of its addresses.' };
  const response = await providerFetch(services)(keys, { headers: { accept: 'application/json' } });
  const body = (await response.json().catch(() => null)) as { keys?: unknown } | null;
  if (!response.ok || !Array.isArray(body?.keys) || body.keys.length === 0)
    return { isOk: false, detail: `The provider’s keys could not be read (status ${response.status}).` };
  return {
    isOk: true,
    detail: 'The provider answers, and its keys can be read. Now sign in once to try the client id and secret.',
  };
}

function testSaml(row: SsoConnectionRow): TestResult {
  const now = Date.now();
  const certificates = row.certificates.map((pem) => describeCertificate(pem, now));
  const valid = certificates.filter(({ isExpired }) => !isExpired);
  if (valid.length === 0)
    return { isOk: false, detail: 'Every certificate of the provider has expired. Enter its present metadata.' };
  const last = Math.max(...valid.map(({ expiresAt }) => Date.parse(expiresAt)));
  const days = Math.floor((last - now) / dayMilliseconds);
  return {
    isOk: true,
    detail: `The certificate is valid for ${days} more days. Now sign in once to try the whole way.`,
  };
}

/** testConnection never throws for what the provider does. */
export async function testConnection(services: Services, row: SsoConnectionRow): Promise<TestResult> {
  if (row.kind === 'saml') return testSaml(row);
  try {
    return await testOidc(services, row);
  } catch (error) {
    const start = isAwayError(error)
      ? 'The provider cannot be reached or answers too late'
      : 'The provider’s answer is not as it should be';
    return { isOk: false, detail: `${start}: ${reasonOf(error)}` };
  }
}
