/** The ways through a provider: begin, come back, and what providers themselves send; the answers never tell who has an account. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type BinaryAnswer, type Limit, type SignedInContext } from '#kernel/http';
import { addressKey, type LimitRule } from '#kernel/limits';
import { deliverSignIn } from '../../finish-sign-in.ts';
import { takeOrRefuse } from '../../take-or-refuse.ts';
import { publicOrigin } from '../addresses.ts';
import { appleIssuer, signedPartOf, verifyNativeApple } from '../apple.ts';
import { startAttempt, useProofOnce } from '../attempts.ts';
import { signOnContract } from '../contract.ts';
import { signOnErrors } from '../errors.ts';
import { finishSignOn } from '../finish.ts';
import { mailDomainOf } from '../mail-domain.ts';
import { toSignOnError } from '../provider-failure.ts';
import { findProvider, listProviders, readConnectionRow } from '../providers.ts';
import { receiveApple, receiveSaml } from '../receive-post.ts';
import { renderMetadata } from '../saml.ts';
import { openOwnKey } from '../saml-key.ts';
import { settleSignIn } from '../settle.ts';

const startLimit: Limit = { name: 'auth.sign-on-start', max: 300, windowSeconds: 900, by: 'address' };
const finishLimit: Limit = { name: 'auth.sign-on-finish', max: 300, windowSeconds: 900, by: 'address' };
const lookLimit: Limit = { name: 'auth.sign-on-look', max: 120, windowSeconds: 60, by: 'address' };
const providerErrors = ['SIGN_ON_UNKNOWN_PROVIDER', 'SIGN_ON_PROVIDER_AWAY', 'SIGN_ON_REFUSED'];
const outcomeErrors = [
  ...providerErrors,
  'SIGN_ON_EXPIRED',
  'SIGN_ON_CANCELLED',
  'SIGN_ON_NO_EMAIL',
  'SIGN_ON_LINK_FIRST',
  'SIGN_ON_LINKED_ELSEWHERE',
  'SIGN_ON_WRONG_PERSON',
  'SIGN_ON_WRONG_DOMAIN',
  'SIGN_ON_REQUIRED',
  'SIGN_UP_CLOSED',
];

/** nativeRule counts bad tokens per address; each costs a signature check. */
const nativeRule: LimitRule = { name: 'auth.native-sign-on', max: 30, windowSeconds: 900 };

export const readProviders = defineRoute(signOnContract, 'GET /auth/providers', {
  id: 'auth.providers.list',
  access: 'public',
  limit: lookLimit,
  handler: async ({ services }) => ({
    providers: listProviders(services.config).map(({ id, title, kind }) => ({
      id,
      title,
      kind: kind as Exclude<typeof kind, 'saml'>,
    })),
  }),
});

export const routeAddress = defineRoute(signOnContract, 'POST /auth/sign-on/route', {
  id: 'auth.sign-on.route',
  access: 'public',
  limit: lookLimit,
  bodyLimitBytes: 4096,
  handler: async ({ services, body }) => {
    const [row] = await services.db.withAuth((tx) =>
      tx.query<{ id: string; name: string; is_enforced: boolean }>({
        name: 'auth-route-address',
        text: `select c.id, c.name, c.is_enforced from auth.sso_domains d
               join auth.sso_connections c on c.tenant_id = d.tenant_id and c.id = d.connection_id
               where d.domain = $1 and d.verified_at is not null`,
        values: [mailDomainOf(body.email)],
      }),
    );
    return { connection: row ? { id: row.id, name: row.name, isEnforced: row.is_enforced } : null };
  },
});

export const startSignOn = defineRoute(signOnContract, 'POST /auth/sign-on/start', {
  id: 'auth.sign-on.start',
  access: 'public',
  limit: startLimit,
  errors: providerErrors,
  bodyLimitBytes: 4096,
  handler: async (ctx) => {
    const provider = await findProvider(ctx.services, ctx.body.provider);
    return startAttempt(ctx, { provider, purpose: 'sign-in', next: ctx.body.next });
  },
});

function sessionOf({ principal }: Pick<SignedInContext, 'principal'>): { userId: string; sessionId: string } {
  if (principal.via.kind !== 'session')
    throw kernelErrors.FORBIDDEN({ detail: 'Only a person in a browser can go to a provider.' });
  return { userId: principal.userId, sessionId: principal.via.sessionId };
}

export const startLink = defineRoute(signOnContract, 'POST /auth/sign-on/link', {
  id: 'auth.sign-on.link',
  access: 'signed-in',
  limit: { ...startLimit, by: 'user' },
  stepUp: true,
  errors: providerErrors,
  bodyLimitBytes: 4096,
  handler: async (ctx) => {
    const provider = await findProvider(ctx.services, ctx.body.provider);
    return startAttempt(ctx, { provider, purpose: 'link', next: ctx.body.next, person: sessionOf(ctx) });
  },
});

export const startStepUp = defineRoute(signOnContract, 'POST /auth/sign-on/step-up', {
  id: 'auth.sign-on.step-up',
  access: 'signed-in',
  limit: { ...startLimit, by: 'user' },
  errors: providerErrors,
  bodyLimitBytes: 4096,
  handler: async (ctx) => {
    const provider = await findProvider(ctx.services, ctx.body.provider);
    return startAttempt(ctx, { provider, purpose: 'step-up', next: ctx.body.next, person: sessionOf(ctx) });
  },
});

export const finishSignOnRoute = defineRoute(signOnContract, 'POST /auth/sign-on/finish', {
  id: 'auth.sign-on.finish',
  access: 'public',
  limit: finishLimit,
  errors: outcomeErrors,
  bodyLimitBytes: 32_768,
  handler: (ctx) => finishSignOn(ctx, ctx.body.provider, ctx.body.query),
});

export const appleAnswer = defineRoute(signOnContract, 'POST /auth/sign-on/apple', {
  id: 'auth.sign-on.apple',
  access: 'public',
  limit: finishLimit,
  bodyLimitBytes: 16_384,
  handler: async (ctx) => receiveApple(ctx.body),
});

export const samlAnswer = defineRoute(signOnContract, 'POST /auth/sign-on/saml', {
  id: 'auth.sign-on.saml',
  access: 'public',
  limit: finishLimit,
  bodyLimitBytes: 600_000,
  handler: (ctx) => receiveSaml(ctx, ctx.body.SAMLResponse, ctx.body.RelayState ?? ''),
});

export const readSamlMetadata = defineRoute(signOnContract, 'GET /auth/sign-on/saml-metadata', {
  id: 'auth.sign-on.saml-metadata',
  access: 'public',
  limit: lookLimit,
  errors: ['NOT_FOUND'],
  handler: async (ctx): Promise<BinaryAnswer> => {
    const row = await ctx.services.db.withAuth((tx) => readConnectionRow(tx, ctx.query.connection));
    if (row?.kind !== 'saml') throw kernelErrors.NOT_FOUND();
    return {
      kind: 'binary',
      contentType: 'application/samlmetadata+xml',
      body: Buffer.from(await renderMetadata(row, publicOrigin(ctx), await openOwnKey(ctx.services, row))),
      headers: { 'content-disposition': 'attachment; filename="bulkhead-metadata.xml"' },
    };
  },
});

export const signInByApple = defineRoute(signOnContract, 'POST /auth/native/apple', {
  id: 'auth.sign-on.native-apple',
  access: 'public',
  limit: finishLimit,
  errors: outcomeErrors,
  bodyLimitBytes: 16_384,
  handler: async (ctx) => {
    const { services, body } = ctx;
    if (services.config.appleAppIds.length === 0) throw signOnErrors.SIGN_ON_UNKNOWN_PROVIDER();
    await takeOrRefuse(ctx, nativeRule, addressKey(ctx.address), 'Too many tries from this address. Wait a little.');
    const { profile, expiresAt } = await verifyNativeApple(services, body).catch((error: unknown) => {
      throw toSignOnError(error);
    });
    const proof = `apple ${signedPartOf(body.idToken)}`;
    const isFirst = await services.db.withAuth((tx) => useProofOnce(tx, proof, expiresAt));
    if (!isFirst) throw signOnErrors.SIGN_ON_EXPIRED({ internal: 'the id token was used already' });
    // A person's id is the same for all apps of a team, so that phone and web lead to one account.
    const provider = { id: 'apple', title: 'Apple', kind: 'apple', issuer: appleIssuer, clientId: '' } as const;
    const settled = await settleSignIn(ctx, { ...provider, clientSecret: undefined, connection: null }, profile);
    return deliverSignIn(ctx, settled.outcome);
  },
});
