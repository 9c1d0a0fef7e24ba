/** Reads what we need of a SAML identity provider's metadata; what could be taken for something else is refused. */
import { X509Certificate } from 'node:crypto';
import { signOnErrors } from './errors.ts';
import { readXmlTags, type XmlTag } from './xml-tags.ts';

const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const maxCertificates = 5;
const malformed = 'This is not well-formed XML. Paste the whole metadata file of the identity provider.';

export interface IdentityProviderMetadata {
  readonly entityId: string;
  readonly signOnUrl: string;
  /** PEM. */
  readonly certificates: readonly string[];
  /** The provider takes signed requests only. */
  readonly wantsSignedRequests: boolean;
}

const refuse = (detail: string) => signOnErrors.SSO_METADATA_INVALID({ detail });

/** readCertificate returns the certificate as PEM, from PEM or bare base64. Throws SSO_METADATA_INVALID. */
export function readCertificate(text: string): string {
  const bare = text.replaceAll(/-----(?:BEGIN|END) CERTIFICATE-----|\s+/g, '');
  try {
    return new X509Certificate(Buffer.from(bare, 'base64')).toString();
  } catch {
    throw refuse('One of the certificates is not an X.509 certificate in PEM or base64.');
  }
}

/** describeCertificate is what may be shown of a certificate. */
export function describeCertificate(pem: string, now: number) {
  const certificate = new X509Certificate(pem);
  const expiresAt = new Date(certificate.validTo);
  return {
    subject: certificate.subject.split('\n').at(-1) ?? '',
    fingerprint: certificate.fingerprint256,
    expiresAt: expiresAt.toISOString(),
    isExpired: expiresAt.getTime() <= now,
  };
}

/** readTags: an administrator pastes the XML and sees what was read from it, so that a scanner does. */
function readTags(xml: string): readonly XmlTag[] {
  if (/<!(?:DOCTYPE|ENTITY|\[CDATA)/i.test(xml)) throw refuse('Metadata with a document type is not accepted.');
  const tags = readXmlTags(xml);
  if (tags === null) throw refuse(malformed);
  return tags;
}

interface Findings {
  entityId: string;
  providers: number;
  signOnUrl: string;
  certificates: string[];
  wantsSignedRequests: boolean;
}

/** collect walks the tags once; `open` is the way from the root to the tag at hand. */
function collect(tags: readonly XmlTag[]): Findings {
  const found: Findings = { entityId: '', providers: 0, signOnUrl: '', certificates: [], wantsSignedRequests: false };
  const open: XmlTag[] = [];
  let entityId = '';
  for (const tag of tags) {
    if (tag.isClosing) {
      if (open.pop()?.name !== tag.name) throw refuse(malformed);
      continue;
    }
    const isInProvider = open.some(({ name }) => name === 'IDPSSODescriptor');
    const key = open.find(({ name }) => name === 'KeyDescriptor');
    if (tag.name === 'EntityDescriptor') entityId = tag.attributes.get('entityID') ?? '';
    if (tag.name === 'IDPSSODescriptor') {
      found.providers += 1;
      found.entityId = entityId;
      found.wantsSignedRequests = /^(?:true|1)$/.test(tag.attributes.get('WantAuthnRequestsSigned') ?? '');
    }
    if (isInProvider && tag.name === 'SingleSignOnService' && tag.attributes.get('Binding') === redirectBinding)
      found.signOnUrl ||= tag.attributes.get('Location') ?? '';
    if (isInProvider && tag.name === 'X509Certificate' && key && key.attributes.get('use') !== 'encryption')
      found.certificates.push(tag.text);
    if (!tag.isEmpty) open.push(tag);
  }
  if (open.length > 0) throw refuse(malformed);
  return found;
}

/** readMetadata throws SSO_METADATA_INVALID saying what is missing. */
export function readMetadata(xml: string): IdentityProviderMetadata {
  const { entityId, providers, signOnUrl, certificates, wantsSignedRequests } = collect(readTags(xml));
  if (providers !== 1)
    throw refuse('The metadata describes no identity provider, or more than one. Ask for the metadata of the one.');
  if (entityId === '') throw refuse('The metadata has no entity id.');
  if (!/^https?:$/.test(URL.canParse(signOnUrl) ? new URL(signOnUrl).protocol : ''))
    throw refuse('The metadata names no address for the HTTP-Redirect binding.');
  const distinct = [...new Set(certificates.map(readCertificate))].slice(0, maxCertificates);
  if (distinct.length === 0) throw refuse('The metadata has no signing certificate.');
  return { entityId, signOnUrl, certificates: distinct, wantsSignedRequests };
}
