/** The API of signing on through others: providers for everybody, and the identity providers of organisations (K2.5). */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';
import { secondFactorNeeded, signedInPerson } from '../contract.ts';

const printable = /^\P{Cc}*$/u;
const email = z.email().max(254).toLowerCase();
const url = z.url({ protocol: /^https?$/ }).max(2000);

/** provider is a word such as `google`, or the id of an organisation's connection. */
const provider = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,35}$/, 'not a provider')
  .describe('As listed by GET /auth/providers, or the id of an organisation’s connection');
const nextPath = z.string().max(500).regex(printable).describe('Path of this server to go on at; `/` unless told');

const redirection = z.strictObject({ url: z.string().describe('Where the browser is to go') });

/** signOnOutcome says how a way through a provider ended. */
export const signOnOutcome = z.strictObject({
  outcome: z.enum(['signed-in', 'second-factor', 'linked', 'proved']),
  next: z.string().describe('Path of this server to go on at'),
  isNew: z.boolean().describe('Whether the account was made just now'),
  secondFactor: secondFactorNeeded.shape.secondFactor.nullable().describe('What the second step asks for'),
});

/** linkedAccount is a way in through a provider that a person has. */
export const linkedAccount = z.strictObject({
  id,
  provider: z.string(),
  title: z.string(),
  label: z.string().nullable().describe('What the provider calls the person'),
  createdAt: timestamp,
});

const role = z.enum(['admin', 'member', 'viewer']);
const connectionName = z.string().trim().min(1).max(100).regex(printable);
const certificate = z.string().max(20_000).describe('X.509 certificate in PEM, or its base64 alone');

export const ssoDomain = z.strictObject({
  id,
  domain: z.string(),
  isVerified: z.boolean(),
  verifiedBy: z.enum(['dns', 'operator']).nullable(),
  record: z.string().describe('What a TXT record of the domain has to say'),
});

export const ssoConnection = z.strictObject({
  id,
  name: z.string(),
  kind: z.enum(['oidc', 'saml']),
  issuer: z.string(),
  clientId: z.string().nullable(),
  clientSecretLastFour: z.string().nullable(),
  signOnUrl: z.string().nullable(),
  certificates: z.array(
    z.strictObject({ subject: z.string(), fingerprint: z.string(), expiresAt: timestamp, isExpired: z.boolean() }),
  ),
  defaultRole: role,
  isEnforced: z.boolean(),
  domains: z.array(ssoDomain),
  lastProblem: z.strictObject({ detail: z.string(), at: timestamp }).nullable(),
  lastSuccessAt: timestamp.nullable(),
  ownCertificate: z
    .strictObject({ pem: z.string(), fingerprint: z.string(), expiresAt: timestamp })
    .nullable()
    .describe('SAML: our certificate; the provider encrypts assertions for it and checks our signed requests with it'),
  signsRequests: z.boolean().describe('SAML: whether our requests are signed'),
  signsOutAtProvider: z
    .boolean()
    .describe('OpenID Connect: whether signing out here signs out at the provider as well'),
  redirectUri: z.string().describe('OpenID Connect: redirect address to register at the provider'),
  backchannelLogoutUri: z.string().describe('OpenID Connect: where the provider tells that somebody has signed out'),
  postLogoutRedirectUri: z.string().describe('OpenID Connect: where the provider sends browsers after signing out'),
  acsUrl: z.string().describe('SAML: assertion consumer service'),
  entityId: z.string().describe('SAML: who we are'),
  metadataUrl: z.string().describe('SAML: where our metadata can be read'),
  createdAt: timestamp,
});

const connectionParams = z.strictObject({ ssoConnectionId: id });
const domainParams = z.strictObject({ ssoDomainId: id });

const newConnection = z.strictObject({
  name: connectionName,
  kind: z.enum(['oidc', 'saml']),
  issuer: z.string().trim().min(1).max(2000).regex(printable).optional().describe('OIDC issuer; SAML entity id'),
  clientId: z.string().trim().min(1).max(500).regex(printable).optional(),
  clientSecret: z.string().min(1).max(1000).optional(),
  metadataXml: z.string().max(300_000).optional().describe('SAML: the provider’s metadata'),
  metadataUrl: url.optional().describe('SAML: where that metadata is read from, once'),
  signOnUrl: url.optional(),
  certificates: z.array(certificate).max(5).optional(),
  signsRequests: z.boolean().optional().describe('SAML: sign our requests; as the metadata asks unless told'),
  signsOutAtProvider: z
    .boolean()
    .optional()
    .describe('OpenID Connect: signing out here leads to the provider’s sign-out'),
  defaultRole: role.default('member'),
});

export const signOnContract = defineContract({
  'GET /auth/providers': {
    summary: 'Providers that this server offers for signing in',
    response: z.strictObject({
      providers: z.array(
        z.strictObject({ id: z.string(), title: z.string(), kind: z.enum(['apple', 'google', 'github', 'oidc']) }),
      ),
    }),
  },
  'POST /auth/sign-on/route': {
    summary: 'Where an e-mail address signs in; tells of the domain, never of the account',
    body: z.strictObject({ email }),
    response: z.strictObject({
      connection: z.strictObject({ id, name: z.string(), isEnforced: z.boolean() }).nullable(),
    }),
  },
  'POST /auth/sign-on/start': {
    summary: 'Begin signing in through a provider; sets the cookie that the answer is bound to',
    body: z.strictObject({ provider, next: nextPath.optional() }),
    response: redirection,
  },
  'POST /auth/sign-on/link': {
    summary: 'Begin linking a provider to my account',
    body: z.strictObject({ provider, next: nextPath.optional() }),
    response: redirection,
  },
  'POST /auth/sign-on/step-up': {
    summary: 'Begin showing again who I am, through a provider that is linked to my account',
    body: z.strictObject({ provider, next: nextPath.optional() }),
    response: redirection,
  },
  'POST /auth/sign-on/finish': {
    summary: 'End signing in through a provider with what it sent the browser back with',
    body: z.strictObject({
      provider,
      query: z.string().max(8000).describe('The query of the address that the provider sent the browser to'),
    }),
    response: signOnOutcome,
  },
  'POST /auth/sign-on/sign-out': {
    summary: 'End this session, and say where the browser goes on to sign out at the organisation’s provider',
    response: z.strictObject({
      url: z.string().nullable().describe('Null where signing out here is all there is to it'),
    }),
  },
  'POST /auth/sign-on/{ssoConnectionId}/backchannel-logout': {
    summary:
      'Where an organisation’s OpenID Connect provider tells that somebody has signed out (Back-Channel Logout 1.0)',
    params: connectionParams,
    form: true,
    body: z.strictObject({ logout_token: z.string().min(20).max(16_000) }),
  },
  'POST /auth/sign-on/apple': {
    summary: 'Where Apple posts its answer',
    form: true,
    redirects: true,
    body: z.strictObject({
      state: z.string().max(500).optional(),
      code: z.string().max(2000).optional(),
      error: z.string().max(200).optional(),
      user: z.string().max(2000).optional(),
    }),
  },
  'POST /auth/sign-on/saml': {
    summary: 'Where SAML identity providers post their answers (assertion consumer service)',
    form: true,
    redirects: true,
    body: z.strictObject({ SAMLResponse: z.string().max(400_000), RelayState: z.string().max(500).optional() }),
  },
  'GET /auth/sign-on/saml-metadata': {
    summary: 'Our SAML metadata for a connection of an organisation',
    query: z.strictObject({ connection: id }),
    binary: true,
  },
  'POST /auth/native/apple': {
    summary: 'Sign in with the id token that Apple gave a phone app',
    body: z.strictObject({
      idToken: z.string().min(20).max(8000),
      nonce: z
        .string()
        .min(16)
        .max(500)
        .describe('The random text whose SHA-256 in hex (or itself) was given to Apple'),
      name: z.string().trim().max(200).regex(printable).optional().describe('Apple tells it on the first sign-in only'),
    }),
    response: z.union([signedInPerson, secondFactorNeeded]),
  },
  'GET /profile/linked-accounts': {
    summary: 'Providers linked to my account, newest first',
    query: pageQuery,
    response: page(linkedAccount),
  },
  'DELETE /profile/linked-accounts/{linkedAccountId}': {
    summary: 'Unlink a provider; refused when it is the last way in',
    params: z.strictObject({ linkedAccountId: id }),
  },
  'GET /sso-connections': {
    summary: 'Identity providers of this organisation, newest first',
    query: pageQuery,
    response: page(ssoConnection),
  },
  'POST /sso-connections': {
    summary: 'Connect an identity provider',
    body: newConnection,
    response: ssoConnection,
    status: 201,
  },
  'GET /sso-connections/{ssoConnectionId}': {
    summary: 'One identity provider',
    params: connectionParams,
    response: ssoConnection,
  },
  'PATCH /sso-connections/{ssoConnectionId}': {
    summary: 'Change an identity provider',
    params: connectionParams,
    body: newConnection.omit({ kind: true, defaultRole: true }).partial().extend({
      defaultRole: role.optional(),
      isEnforced: z.boolean().optional(),
    }),
    response: ssoConnection,
  },
  'DELETE /sso-connections/{ssoConnectionId}': {
    summary: 'Disconnect an identity provider; people keep their accounts',
    params: connectionParams,
  },
  'POST /sso-connections/{ssoConnectionId}/test': {
    summary: 'Try whether an identity provider answers as it should',
    params: connectionParams,
    response: z.strictObject({ isOk: z.boolean(), detail: z.string() }),
  },
  'POST /sso-connections/{ssoConnectionId}/domains': {
    summary: 'Claim a mail domain for an identity provider',
    params: connectionParams,
    body: z.strictObject({
      domain: z.string().trim().toLowerCase().min(1).max(253).regex(printable).describe('Such as `example.com`'),
    }),
    response: ssoDomain,
    status: 201,
  },
  'POST /sso-domains/{ssoDomainId}/verify': {
    summary: 'Look for the TXT record that proves a domain',
    params: domainParams,
    response: ssoDomain,
  },
  'DELETE /sso-domains/{ssoDomainId}': { summary: 'Give a domain up', params: domainParams },
  'GET /operator/sso-domains': {
    summary: 'Domains of all organisations that wait for proof',
    query: pageQuery,
    response: page(z.strictObject({ id, domain: z.string(), organisation: z.string(), createdAt: timestamp })),
  },
  'POST /operator/sso-domains/confirm': {
    summary: 'Confirm, as who runs the server, that a domain belongs to the organisation that claims it',
    body: z.strictObject({ domainId: id }),
  },
});
