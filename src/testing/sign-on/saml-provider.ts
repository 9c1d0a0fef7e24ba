/** A real SAML identity provider (samlify) whose answers a test may bend before they are signed, or after. */
import { generateKeyPairSync } from 'node:crypto';
import * as samlify from 'samlify';

/** Made for tests and used for nothing else; valid for a hundred years. */
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIDJTCCAg2gAwIBAgIUaAGSsmz0rhgk9xE3MzOQKTUN2uQwDQYJKoZIhvcNAQEL
BQAwITEfMB0GA1UEAwwWVGVzdCBpZGVudGl0eSBwcm92aWRlcjAgFw0yNjExMjEw
MzIzNTJaGA8yMTI2MTAyODAzMjM1MlowITEfMB0GA1UEAwwWVGVzdCBpZGVudGl0
eSBwcm92aWRlcjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBALQKITLl
l5Ajm/vtg07OdJrwmu2iqJlXMJPwSVEgcO9IaXEDQe0HZpekNxa4ithqbpixUIUj
xufl7lTFvRVrpncSnohF6gpOjwRsrjr48+3kY7hixriydtocfKideqlzpObXCcFQ
6Hdf+0k+pWQnNYSpKzaEN1Q/A84A80bzQRJFW60gqAbDo9iutE2YFT/d8aoEKx4I
76bnNZF2yVX9/f0LisLx9pPsArodgoi2mGdJbJwlH1WLzyHaPUAqTHiHMJsQDVxA
IFi9Do+EqS3uVm/TcyGfPIq2zuuHO+HSmcXBhu/Dx6TcSB8r/L2T0e5C3dw0nUON
tBm2jG+K8mJo+MUCAwEAAaNTMFEwHQYDVR0OBBYEFCQXpW4cYLZGgVzmISIszkR5
XRHqMB8GA1UdIwQYMBaAFCQXpW4cYLZGgVzmISIszkR5XRHqMA8GA1UdEwEB/wQF
MAMBAf8wDQYJKoZIhvcNAQELBQADggEBAGch1WDvb1PGQbSh2J+GozMPpHrhmRmO
bdlssM9HbfBtf8ShKVGjlrslejzGtyca61NS4EdSZkFkmZVzar+/MBs2ELs5Ckj0
/rDA4Bx3/PQqpt5sbz37fTkogBpCQjEz7j9L7vFj0dDKlKGJiVrxMyuyN8cIkuyL
o/q3kheMDanWKOouqQLqGbeASGJ+cqgG1Q2wNeksTyXF6ASUKUQmiXqpJctsZXIy
LO5VqxcxGXmJjE0OJem0YLnvtpuFvH3oUyCnz3JuSRVti0AIPZlGsMCr93X6P5wq
iHXUuvKD8zMmnqsxTbTfj2FXhfNrvyM/b7gu/cfVGk0eENldms6NXpw=
-----END CERTIFICATE-----`;
const testKey = `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC0CiEy5ZeQI5v7
7YNOznSa8JrtoqiZVzCT8ElRIHDvSGlxA0HtB2aXpDcWuIrYam6YsVCFI8bn5e5U
xb0Va6Z3Ep6IReoKTo8EbK46+PPt5GO4Ysa4snbaHHyonXqpc6Tm1wnBUOh3X/tJ
PqVkJzWEqSs2hDdUPwPOAPNG80ESRVutIKgGw6PYrrRNmBU/3fGqBCseCO+m5zWR
dslV/f39C4rC8faT7AK6HYKItphnSWycJR9Vi88h2j1AKkx4hzCbEA1cQCBYvQ6P
hKkt7lZv03MhnzyKts7rhzvh0pnFwYbvw8ek3EgfK/y9k9HuQt3cNJ1DjbQZtoxv
ivJiaPjFAgMBAAECggEASNB9+9E6eqvENuApBpLeOxnLdwedq6LFPVfltx9pPYVq
S7A3Fg+zsOnT8+cAFKX7A9tWxvogxIJMYVG19vdaVHcd0dyA2tlJ4063KpesRA7m
O9kLKQDYq77wtds3FFh2nXvj8KDx2/HgNg/VoUtwTC6FER/pJrPzrHna6luQejwQ
JnCgBctB4pryFvCYd/DKF0SmKhQMzucm9dgCFfznyeL+W8+/WfEvuspYm0ke2+lm
j9f18IR1/kAkQXPMMLLZyG6idyM4xw/qXVhaLAkTrFMOeQuPwe2rhYWCxwzwLyDG
dLiVb8Cw/q/AiyAabmvheJQu/RvZxftVp+cb/G5GgwKBgQDd/3F9Ahy8NjrxPYcL
/FttwKmpSDPtfcSpKFPOYurE3jdcfuSRCt+iMxLgodblkAcN4iXWNn1i+3IgZuWi
nKGy5/OAvsI6J+yYxHEU8DdxdFIdSxlqj9RnEvNx/74JSXFvIbpYNHKbR31tXeY0
hv7dSRomL0nFb9Kte7+zkhA0pwKBgQDPnX+9r6kRCpXoQh1MYlxq4tnkYKFmZ8eQ
J0HW5lEDxQNNMtrFS9kDHeUZ2k0fKf2I+YjbVHkR8sz61zXhR1wk8Plkz3ecxk8/
DUrM9z1dsFxhJtsdf7nyfDp8Ac+ShxeNU/RjYJxHHygBzXB4067EVfMsmv8S9OLn
W45cLMeYswKBgQCW9vofL4uI9jv5B4VJwlAOf8EgjCg77ZYKDpGHPT83p4HwVZ5r
gAB6Vc8VkRkJPXt+lnZyiNWVtTZ0EGVCws83UYMG3zJHyBSeAqB/w6eAcMDSiNp8
29huS7XfpTF/MUGBeGc3SltRezkxYXSF7fNtWiP9KZU6PYQAU7IWlFKO6wKBgFeC
o51otXKha56Cf6b6rsm+5OkGcgGgLNXuNipG2k8kc8fOb7hJyCcwKqlDAs7n/B4I
UE9iw8V0+kGhBOz4Dzbi+7wqVtiWHkENcUID1LHw7H9myWUduVskUeKDQOMaXisM
AC8DQdwYndxko8vKLhhDwkRC8NEkt5+dT9w6Y8dRAoGASYd970MrfeSWJ3Ha31yN
NALkOc2aqa856/Si1/CkxjqHs/tpR/W1qIbpwQLV0SENvt522v/h+3IJy+k2aK2z
NWmui/E1vUQp0Z1BJJ3+Z/9FnPqcstVqlHan04FwgUyWGUuMPhT0rRg4IU699Po2
ppN6mvNthBM2tUTQ3BkDc18=
-----END PRIVATE KEY-----`;

export interface SamlAnswer {
  readonly nameId?: string;
  readonly email?: string | null;
  readonly name?: string;
  readonly audience?: string;
  readonly recipient?: string;
  readonly inResponseTo?: string;
  readonly issuer?: string;
  /** Seconds from now until it ends; negative for one that has ended. */
  readonly secondsLeft?: number;
  /** Seconds since it was issued. */
  readonly age?: number;
  readonly algorithm?: 'sha256' | 'sha1';
  /** Signed by another key than the one in the metadata. */
  readonly isForeign?: boolean;
  readonly isUnsigned?: boolean;
  /** Our metadata: the assertion is encrypted for the certificate in it. */
  readonly encryptFor?: string;
  /** Method of the encrypted data; AES-256-CBC unless told. */
  readonly cipher?: string;
  /** How its key is wrapped; RSA-OAEP unless told. */
  readonly wrapping?: string;
  readonly destination?: string;
  readonly assertionId?: string;
}

export interface SamlProvider {
  readonly entityId: string;
  readonly metadata: string;
  /** Reads our request out of the address that the browser is sent to. */
  readRequest(url: string): Promise<{ readonly id: string; readonly relayState: string }>;
  /** Answers a request; base64, as it stands in the form. `acsUrl` and `audience` are those of the one asked for. */
  answer(
    to: { readonly id: string; readonly acsUrl: string; readonly entityId: string },
    answer?: SamlAnswer,
  ): Promise<string>;
}

const emailFormat = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const signatures = {
  sha256: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  sha1: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
} as const;

function createIdp(
  entityId: string,
  privateKey: string,
  algorithm: 'sha256' | 'sha1',
  { encryptFor, cipher, wrapping }: SamlAnswer = {},
) {
  const methods = {
    dataEncryptionAlgorithm: cipher ?? 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
    keyEncryptionAlgorithm: wrapping ?? 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
    encryptThenSign: false,
  };
  return samlify.IdentityProvider({
    ...methods,
    entityID: entityId,
    privateKey,
    signingCert: testCertificate,
    isAssertionEncrypted: encryptFor !== undefined,
    nameIDFormat: [emailFormat],
    requestSignatureAlgorithm: signatures[algorithm],
    singleSignOnService: [
      { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${entityId}/sso` },
    ],
    singleLogoutService: [
      { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${entityId}/slo` },
    ],
    loginResponseTemplate: {
      context: samlify.SamlLib.defaultLoginResponseTemplate.context,
      attributes: [
        {
          name: 'email',
          valueTag: 'user.email',
          nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
          valueXsiType: 'xs:string',
        },
        {
          name: 'displayName',
          valueTag: 'user.name',
          nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
          valueXsiType: 'xs:string',
        },
      ],
    },
  });
}

/** createSamlProvider makes one; it needs no server, as browsers carry everything. */
export function createSamlProvider(entityId = 'https://idp.example.com/saml'): SamlProvider {
  samlify.setSchemaValidator({ validate: async () => 'not looked at' });
  const foreignKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  const honest = createIdp(entityId, testKey, 'sha256');

  return {
    entityId,
    metadata: honest.getMetadata(),
    async readRequest(url) {
      const query = Object.fromEntries(new URL(url).searchParams);
      const anySp = samlify.ServiceProvider({ entityID: 'any', assertionConsumerService: [] });
      const { extract } = await honest.parseLoginRequest(anySp, 'redirect', { query });
      return { id: (extract as { request: { id: string } }).request.id, relayState: query['RelayState'] ?? '' };
    },
    async answer(to, answer = {}) {
      const { nameId = 'grace@corp.example', algorithm = 'sha256', secondsLeft = 300, age = 0 } = answer;
      const idp = createIdp(
        entityId,
        answer.isForeign ? String(foreignKey) : testKey,
        algorithm,
        answer.isUnsigned ? {} : answer,
      );
      const byHand = {
        entityID: to.entityId,
        wantAssertionsSigned: true,
        assertionConsumerService: [{ Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', Location: to.acsUrl }],
      };
      const sp = samlify.ServiceProvider(
        answer.encryptFor === undefined ? byHand : { metadata: answer.encryptFor, wantAssertionsSigned: true },
      );
      const time = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
      const fill = (template: string) => {
        const id = `_response-${Math.random().toString(36).slice(2)}`;
        const context = samlify.SamlLib.replaceTagsByValue(template, {
          ID: id,
          AssertionID: answer.assertionId ?? `_assertion-${Math.random().toString(36).slice(2)}`,
          Destination: answer.destination ?? to.acsUrl,
          Audience: answer.audience ?? to.entityId,
          SubjectRecipient: answer.recipient ?? to.acsUrl,
          Issuer: answer.issuer ?? entityId,
          IssueInstant: time(-age),
          ConditionsNotBefore: time(-age - 5),
          ConditionsNotOnOrAfter: time(secondsLeft),
          SubjectConfirmationDataNotOnOrAfter: time(secondsLeft),
          NameIDFormat: emailFormat,
          NameID: nameId,
          InResponseTo: answer.inResponseTo ?? to.id,
          StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success',
          AuthnStatement: '',
          attrUserEmail: answer.email === undefined ? nameId : (answer.email ?? ''),
          attrUserName: answer.name ?? 'Grace Hopper',
        });
        return { id, context };
      };
      const { context } = (await idp.createLoginResponse(
        sp,
        { extract: { request: { id: to.id } } } as never,
        'post',
        {},
        fill,
      )) as {
        context: string;
      };
      if (!answer.isUnsigned) return context;
      const xml = Buffer.from(context, 'base64').toString();
      const bare = xml.replace(/<(ds:)?Signature[\s\S]*?<\/(ds:)?Signature>/, '');
      if (answer.encryptFor === undefined) return Buffer.from(bare).toString('base64');
      // Anybody can do this: the certificate is public.
      return samlify.SamlLib.encryptAssertion(createIdp(entityId, testKey, algorithm, answer) as never, sp, bare);
    },
  };
}

/** readServiceProvider reads metadata as an identity provider does. */
export function readServiceProvider(metadata: string) {
  const { entityMeta } = samlify.ServiceProvider({ metadata });
  return {
    entityId: entityMeta.getEntityID(),
    acsUrl: entityMeta.getAssertionConsumerService('post'),
    wantsSigned: entityMeta.isWantAssertionsSigned(),
  };
}
