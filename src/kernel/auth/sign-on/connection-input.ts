/** What an administrator enters for an identity provider becomes one complete description, or a problem at its field. */
import type { z } from 'zod';
import type { Services } from '#kernel/app';
import { isSafeIssuer } from '#kernel/config';
import { kernelErrors } from '#kernel/errors';
import type { signOnContract } from './contract.ts';
import { signOnErrors } from './errors.ts';
import { providerFetch } from './provider-fetch.ts';
import { toSignOnError } from './provider-failure.ts';
import { readCertificate, readMetadata } from './saml-metadata.ts';

export type NewConnection = z.output<(typeof signOnContract)['POST /sso-connections']['body']>;
export type ConnectionPatch = z.output<(typeof signOnContract)['PATCH /sso-connections/{ssoConnectionId}']['body']>;

/** Description is what a connection is made of, apart from its name and its secret. */
export interface Description {
  readonly issuer: string;
  readonly clientId: string | null;
  readonly signOnUrl: string | null;
  readonly certificates: readonly string[];
  readonly signsRequests: boolean;
  readonly signsOutAtProvider: boolean;
}

const missing = (field: string, detail: string) =>
  kernelErrors.INVALID_REQUEST({ errors: [{ pointer: `/body/${field}`, detail }] });

async function fetchMetadata(parts: Pick<Services, 'outbound' | 'config'>, address: string): Promise<string> {
  try {
    const response = await providerFetch(parts)(address, {
      headers: { accept: 'application/samlmetadata+xml, text/xml, */*' },
    });
    if (!response.ok) throw missing('metadataUrl', `The address answered ${response.status}.`);
    return await response.text();
  } catch (error) {
    const failure = toSignOnError(error);
    if (failure.code === 'SIGN_ON_PROVIDER_AWAY')
      throw missing('metadataUrl', 'Nothing could be read from this address.');
    throw error;
  }
}

/** hasSamlInput tells whether the entry says anything about the SAML provider itself. */
const hasSamlInput = (input: ConnectionPatch) =>
  [input.metadataXml, input.metadataUrl, input.signOnUrl, input.certificates, input.issuer].some(
    (part) => part !== undefined,
  );

async function describeSaml(
  parts: Pick<Services, 'outbound' | 'config'>,
  input: ConnectionPatch,
  before: Description | null,
): Promise<Description> {
  if (input.signsOutAtProvider) throw missing('signsOutAtProvider', 'Only OpenID Connect has a way to do that here.');
  const isAsked = input.signsRequests;
  if (before && !hasSamlInput(input)) return { ...before, signsRequests: isAsked ?? before.signsRequests };
  const xml = input.metadataXml ?? (input.metadataUrl ? await fetchMetadata(parts, input.metadataUrl) : undefined);
  if (xml !== undefined) {
    const { entityId, signOnUrl, certificates, wantsSignedRequests } = readMetadata(xml);
    const signsRequests = isAsked ?? (wantsSignedRequests || (before?.signsRequests ?? false));
    return { issuer: entityId, clientId: null, signOnUrl, certificates, signsRequests, signsOutAtProvider: false };
  }
  const issuer = input.issuer ?? before?.issuer;
  const signOnUrl = input.signOnUrl ?? before?.signOnUrl;
  const certificates = input.certificates?.map(readCertificate) ?? before?.certificates ?? [];
  if (!issuer)
    throw missing('metadataXml', 'Paste the metadata, or enter the entity id, the sign-on address and a certificate.');
  if (!signOnUrl) throw missing('signOnUrl', 'The address that sign-on requests are sent to is missing.');
  if (certificates.length === 0)
    throw missing('certificates', 'The certificate that answers are signed with is missing.');
  const signsRequests = isAsked ?? before?.signsRequests ?? false;
  return { issuer, clientId: null, signOnUrl, certificates, signsRequests, signsOutAtProvider: false };
}

function describeOidc(input: ConnectionPatch, before: Description | null): Description {
  const issuer = input.issuer ?? before?.issuer;
  const clientId = input.clientId ?? before?.clientId;
  if (!issuer || !isSafeIssuer(issuer))
    throw missing('issuer', 'Enter the issuer’s address, which starts with https://.');
  if (!clientId) throw missing('clientId', 'Enter the client id that the provider gave you.');
  if (input.signsRequests) throw missing('signsRequests', 'Only requests of SAML are signed.');
  const signsOutAtProvider = input.signsOutAtProvider ?? before?.signsOutAtProvider ?? false;
  return { issuer, clientId, signOnUrl: null, certificates: [], signsRequests: false, signsOutAtProvider };
}

/** describeConnection throws INVALID_REQUEST and SSO_METADATA_INVALID; `before` is what is there when it is changed. */
export async function describeConnection(
  parts: Pick<Services, 'outbound' | 'config'>,
  kind: 'oidc' | 'saml',
  input: ConnectionPatch,
  before: Description | null = null,
): Promise<Description> {
  return kind === 'saml' ? describeSaml(parts, input, before) : describeOidc(input, before);
}

/** checkSecretTravels: a secret entered for one issuer or client is never sent to another. */
export function checkSecretTravels(
  before: Description,
  after: Description,
  hasSecret: boolean,
  isGiven: boolean,
): void {
  const isElsewhere = before.issuer !== after.issuer || before.clientId !== after.clientId;
  if (hasSecret && isElsewhere && !isGiven)
    throw signOnErrors.SSO_SECRET_REQUIRED({
      errors: [{ pointer: '/body/clientSecret', detail: 'needed again for another issuer or client' }],
    });
}
