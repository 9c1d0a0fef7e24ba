/**
 * SAML: only a signed assertion that answers a request of ours, for us, now and once, says who somebody is. The library
 * verifies; what it leaves open (size, entities, weak algorithms, recipient, unsolicited answers) is refused here.
 */
import type { Profile, SAML } from '@node-saml/node-saml';
import { signOnAddresses } from './addresses.ts';
import { readEmail, readName, readSubject } from './read-claims.ts';
import { signOnErrors } from './errors.ts';
import { hasEncryptedAssertion, openEncryptedAssertion } from './saml-decrypt.ts';
import type { OwnKey } from './self-signed.ts';
import type { AttemptRow, Provider, ProviderProfile, SsoConnectionRow } from './types.ts';
import { readXmlTags } from './xml-tags.ts';

const maxXmlBytes = 256 * 1024;
/** Looking at signatures takes time that grows with the square of what is marked up; a thousand groups still fit. */
const maxMarks = 2_500;
const maxAttributes = 5_000;
const maxDepth = 50;
/** Clocks of the two servers may differ by this much. */
const clockSkewMilliseconds = 60_000;
/** An assertion is taken this long after it was issued, whatever it says itself. */
const maxAgeMilliseconds = 600_000;
const transientFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

const emailAttributes = [
  'email',
  'mail',
  'Email',
  'emailAddress',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
];
const nameAttributes = [
  'displayName',
  'name',
  'urn:oid:2.16.840.1.113730.3.1.241',
  'http://schemas.microsoft.com/identity/claims/displayname',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
];
const givenNames = ['givenName', 'firstName', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname'];
const surnames = ['sn', 'surname', 'lastName', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname'];

/** openRequest: a request that is waited for, by its id and the time it was made. */
interface OpenRequest {
  readonly id: string;
  readonly createdAt: Date;
}

/** Loaded when somebody signs on by SAML: a third of a second that a starting server need not wait for. */
const loadSaml = () => import('@node-saml/node-saml');

async function createSaml(
  connection: SsoConnectionRow,
  origin: string,
  request: OpenRequest,
  more: { readonly forceAuthn?: boolean; readonly privateKey?: string; readonly decryptionPvk?: string } = {},
): Promise<SAML> {
  const { SAML: Saml, ValidateInResponseTo } = await loadSaml();
  const { acsUrl, entityId } = signOnAddresses(origin, connection.id);
  return new Saml({
    issuer: entityId,
    callbackUrl: acsUrl,
    audience: entityId,
    entryPoint: connection.sign_on_url ?? '',
    idpIssuer: connection.issuer,
    idpCert: [...connection.certificates],
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    acceptedClockSkewMs: clockSkewMilliseconds,
    maxAssertionAgeMs: maxAgeMilliseconds,
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    ...more,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: maxAgeMilliseconds,
    generateUniqueId: () => request.id,
    // The request stands in the attempt, which is used up by us.
    cacheProvider: {
      saveAsync: async (_key, value) => ({ value, createdAt: request.createdAt.getTime() }),
      getAsync: async (key) => (key === request.id ? request.createdAt.toISOString() : null),
      removeAsync: async (key) => key,
    },
  });
}

/** samlRequestId is the id of an attempt's request; ids in XML begin with a letter or an underscore. */
const samlRequestId = (attemptId: string) => `_${attemptId}`;

/** beginSaml is the address at the provider, with the request in it; signed where the organisation asked for that. */
export async function beginSaml(
  provider: Provider,
  origin: string,
  attempt: { readonly id: string; readonly state: string },
  forceAuthn: boolean,
  key: OwnKey | null,
): Promise<string> {
  if (!provider.connection) throw new Error('SAML belongs to organisations');
  const request = { id: samlRequestId(attempt.id), createdAt: new Date() };
  const signing = key ? { privateKey: key.privateKey } : {};
  const saml = await createSaml(provider.connection, origin, request, { forceAuthn, ...signing });
  return saml.getAuthorizeUrlAsync(attempt.state, undefined, {});
}

/** renderMetadata is our own metadata for a connection, with the certificate that assertions may be encrypted for. */
export async function renderMetadata(connection: SsoConnectionRow, origin: string, key: OwnKey): Promise<string> {
  const request = { id: samlRequestId(connection.id), createdAt: new Date() };
  const signing = connection.signs_requests ? { privateKey: key.privateKey } : {};
  const saml = await createSaml(connection, origin, request, { decryptionPvk: key.privateKey, ...signing });
  return saml.generateServiceProviderMetadata(key.certificate, connection.signs_requests ? key.certificate : null);
}

const countMatches = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

function isTooDeep(xml: string): boolean {
  let depth = 0;
  return (readXmlTags(xml) ?? []).some(({ isClosing, isEmpty }) => {
    depth += isClosing ? -1 : isEmpty ? 0 : 1;
    return depth > maxDepth;
  });
}

/** refuseUnsafe throws for what no honest provider sends, before any parser sees it. */
function refuseUnsafe(xml: string): void {
  if (xml.length > maxXmlBytes) throw new Error('the answer is too large');
  if (xml.includes('<!') || xml.indexOf('<?', 1) >= 0)
    throw new Error('the answer has a document type, a comment or an instruction in it');
  if (countMatches(xml, /</g) > maxMarks || countMatches(xml, /=\s*["']/g) > maxAttributes || isTooDeep(xml))
    throw new Error('the answer has too many parts');
  if (/(?:xmldsig#(?:rsa-sha1|dsa-sha1|hmac-sha1|sha1)|xmldsig-more#(?:md5|rsa-md5))["']/i.test(xml))
    throw new Error('the answer is signed with SHA-1 or MD5; have the provider sign with SHA-256');
  // Written with references, a weak algorithm would be none to the pattern above.
  if (/\bAlgorithm\s*=\s*(?:"[^"<&]*&|'[^'<&]*&)/.test(xml)) throw new Error('an algorithm is written with references');
}

/** checkStatus throws with the provider's own word for why it lets somebody not in; it proves nothing, and nobody is let in by it. */
function checkStatus(xml: string): void {
  const codes = (readXmlTags(xml) ?? [])
    .filter(({ name, isClosing }) => name === 'StatusCode' && !isClosing)
    .map(({ attributes }) => /:(\w{1,60})$/.exec(attributes.get('Value') ?? '')?.[1] ?? 'unknown');
  if (codes.length > 0 && codes[0] !== 'Success')
    throw new Error(`the provider refused: ${codes.slice(0, 3).join(', ')}`);
}

/** decodeResponse returns the XML with its assertion in plain text; what was encrypted is looked at like everything else. */
async function decodeResponse(base64: string, openKey: () => Promise<OwnKey>): Promise<string> {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.length > maxXmlBytes) throw new Error('the answer is empty or too large');
  const sent = bytes.toString('utf8');
  // SHA-1 as part of OAEP is no signature, and goes with the envelope.
  const xml = hasEncryptedAssertion(sent) ? openEncryptedAssertion(sent, (await openKey()).privateKey) : sent;
  refuseUnsafe(xml);
  checkStatus(xml);
  if (hasEncryptedAssertion(xml) || countMatches(xml, /<(?:[^\s<>:/]+:)?Assertion[\s/>]/g) !== 1)
    throw new Error('there is not exactly one assertion');
  return xml;
}

/** checkDestination: an answer that names where it was sent to was sent here. */
function checkDestination(xml: string, acsUrl: string): void {
  const response = readXmlTags(xml)?.find(({ name }) => name === 'Response');
  const destination = response?.attributes.get('Destination');
  if (destination !== undefined && destination !== acsUrl)
    throw new Error('the answer was sent to another destination');
}

type Node = Record<string, unknown> & { $?: Record<string, string> };

const children = (node: unknown, name: string): Node[] =>
  ((node as Node | undefined)?.[name] as Node[] | undefined) ?? [];

/** checkAddressee makes sure that a bearer confirmation names our address and our request, and that it ends. */
function checkAddressee(assertion: Node, acsUrl: string, requestId: string): void {
  const [subject] = children(assertion, 'Subject');
  const confirmations = children(subject, 'SubjectConfirmation').filter(
    (node) => node.$?.['Method'] === 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
  );
  const isForUs = confirmations.some((confirmation) => {
    const data = children(confirmation, 'SubjectConfirmationData')[0]?.$ ?? {};
    const end = Date.parse(data['NotOnOrAfter'] ?? '') + clockSkewMilliseconds;
    return data['Recipient'] === acsUrl && data['InResponseTo'] === requestId && end > Date.now();
  });
  if (!isForUs) throw new Error('the assertion is not addressed to this server and this request');
}

/** checkFresh: who shows again who they are has done so since they left, where the provider tells when that was. */
function checkFresh(assertion: Node, leftAt: Date): void {
  const instants = children(assertion, 'AuthnStatement').map((node) => Date.parse(node.$?.['AuthnInstant'] ?? ''));
  if (instants.some((at) => at < leftAt.getTime() - clockSkewMilliseconds)) throw new Error('the proof is old');
}

function firstText(profile: Profile, names: readonly string[]): string | null {
  const attributes = (profile['attributes'] ?? {}) as Record<string, unknown>;
  for (const name of names) {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    const [first] = Array.isArray(value) ? (value as unknown[]) : [value];
    if (typeof first === 'string' && first.trim() !== '') return first.trim();
  }
  return null;
}

function toProfile(profile: Profile): ProviderProfile {
  const nameId = readSubject(profile.nameID);
  const email = readEmail(firstText(profile, emailAttributes)) ?? readEmail(nameId);
  const isTransient = profile.nameIDFormat === transientFormat;
  if (isTransient && email === null) throw signOnErrors.SIGN_ON_NO_EMAIL();
  const full = [firstText(profile, givenNames), firstText(profile, surnames)].filter((part) => part !== null).join(' ');
  return {
    // A transient name is another one each time, so the address has to do.
    subject: isTransient ? `email:${email}` : nameId,
    email,
    isEmailVerified: false, // what counts is whether the domain is the organisation's
    name: readName(firstText(profile, nameAttributes)) ?? readName(full),
  };
}

export interface VerifiedAssertion {
  readonly profile: ProviderProfile;
  /** Names the assertion for the memory of what was used. */
  readonly proof: string;
  readonly expiresAt: Date;
}

/** verifySaml checks an answer to an attempt's request. Throws with a reason for the log and the connection's owner. */
export async function verifySaml(
  connection: SsoConnectionRow,
  attempt: Pick<AttemptRow, 'id' | 'created_at' | 'purpose'>,
  origin: string,
  response: string,
  openKey: () => Promise<OwnKey>,
): Promise<VerifiedAssertion> {
  const xml = await decodeResponse(response, openKey);
  const { acsUrl } = signOnAddresses(origin, connection.id);
  checkDestination(xml, acsUrl);
  const request = { id: samlRequestId(attempt.id), createdAt: attempt.created_at };
  const saml = await createSaml(connection, origin, request);
  const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: Buffer.from(xml).toString('base64') });
  if (!profile) throw new Error('the answer names nobody');
  if (profile.issuer !== connection.issuer) throw new Error('the assertion is from another issuer');
  const assertion = (profile.getAssertion?.()?.['Assertion'] ?? {}) as Node;
  checkAddressee(assertion, acsUrl, request.id);
  if (attempt.purpose === 'step-up') checkFresh(assertion, attempt.created_at);
  const id = assertion.$?.['ID'];
  if (!id) throw new Error('the assertion has no id');
  return {
    profile: toProfile(profile),
    proof: `saml ${connection.id} ${id}`,
    expiresAt: new Date(Date.now() + maxAgeMilliseconds + 2 * clockSkewMilliseconds),
  };
}
