/** Routes by which a phone or program signs in, refreshes and signs out; a page in a browser never gets a token (K2.8). */
import type { z } from 'zod';
import type { Tx } from '#kernel/db';
import { defineRoute, type RequestContext, type Route } from '#kernel/http';
import { isSecret, parseToken } from '../bearer-token.ts';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { tellPerson } from '../second-factors/tell-person.ts';
import { tokensContract, type tokenPair } from './contract.ts';
import { createDeviceCode, useDeviceCode } from './device-codes.ts';
import { rotateTokens, type IssuedTokens, type Lifetimes } from './rotate-tokens.ts';
import { auditFamily, signInDevice } from './sign-in-device.ts';
import { endFamily, lockPair, type FamilyRow } from './token-store.ts';

const bodyLimitBytes = 16_384;
const minuteMilliseconds = 60_000;

/** A request with one of these was made by a page, or carries a person's cookie: a token in its answer could be stolen there. */
const browserHeaders = ['cookie', 'origin', 'sec-fetch-site'] as const;

function refuseBrowsers({ headers }: Pick<RequestContext, 'headers'>): void {
  if (browserHeaders.some((name) => headers[name] !== undefined)) throw authErrors.TOKENS_NOT_FOR_BROWSERS();
}

function lifetimesOf({ services: { config } }: RequestContext): Lifetimes {
  return {
    access: config.tokenAccessMinutes * minuteMilliseconds,
    refresh: config.tokenRefreshHours * 60 * minuteMilliseconds,
  };
}

function toAnswer(tokens: IssuedTokens): z.input<typeof tokenPair> {
  const { family } = tokens;
  return {
    tokenType: 'Bearer',
    accessToken: tokens.accessToken,
    accessTokenExpiresAt: tokens.accessExpiresAt.toISOString(),
    refreshToken: tokens.refreshToken,
    refreshTokenExpiresAt: tokens.refreshExpiresAt.toISOString(),
    device: { id: family.id, name: family.device_name, expiresAt: family.expires_at.toISOString() },
  };
}

const issueTokens = defineRoute(tokensContract, 'POST /auth/token', {
  id: 'auth.token.issue',
  access: 'public',
  showsSecretOnce: true,
  limit: { name: 'auth.sign-in-address', max: 60, windowSeconds: 900, by: 'address' },
  errors: [
    'SIGN_IN_FAILED',
    'SECOND_FACTOR_NEEDED',
    'SECOND_FACTOR_FAILED',
    'SIGN_ON_REQUIRED',
    'TOKENS_NOT_FOR_BROWSERS',
    'NOT_FOUND',
  ],
  bodyLimitBytes,
  handler: async (ctx) => {
    refuseBrowsers(ctx);
    return toAnswer(await signInDevice(ctx, ctx.body, lifetimesOf(ctx)));
  },
});

const refreshDevice = defineRoute(tokensContract, 'POST /auth/token/refresh', {
  id: 'auth.token.refresh',
  access: 'public',
  showsSecretOnce: true,
  limit: { name: 'auth.token-refresh', max: 120, windowSeconds: 60, by: 'address' },
  errors: ['REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_EXPIRED', 'REFRESH_TOKEN_REUSED', 'TOKENS_NOT_FOR_BROWSERS'],
  bodyLimitBytes,
  handler: async (ctx) => {
    refuseBrowsers(ctx);
    const { db, identity } = ctx.services;
    const parts = parseToken('brt', ctx.body.refreshToken);
    if (!parts) throw authErrors.REFRESH_TOKEN_INVALID();
    const use = { now: identity.now(), address: ctx.address };
    const rotation = await db.withAuth(async (tx) => {
      const result = await rotateTokens(tx, parts, lifetimesOf(ctx), use);
      if (result.kind === 'reused') await tellOfReuse(ctx, tx, result.family);
      return result;
    });
    switch (rotation.kind) {
      case 'rotated':
      case 'repeated':
        return toAnswer(rotation.tokens);
      case 'reused':
        identity.forget(`family:${rotation.family.id}`);
        ctx.log.warn({ familyId: rotation.family.id, address: ctx.address }, 'a used refresh token came again');
        throw authErrors.REFRESH_TOKEN_REUSED();
      case 'expired':
        throw authErrors.REFRESH_TOKEN_EXPIRED();
      case 'unknown':
        throw authErrors.REFRESH_TOKEN_INVALID();
    }
  },
});

/** tellOfReuse: one of two who held the token is a thief, and only the person can tell what that means. */
async function tellOfReuse(ctx: RequestContext, tx: Tx, family: FamilyRow): Promise<void> {
  await tellPerson(ctx, tx, family.user_id, {
    title: `${family.device_name} was signed out`,
    text: 'A token of this device was used twice, as happens when it was copied. If that worries you, change your password.',
  });
  await auditFamily(ctx, tx, family, 'auth.token.reuse');
}

const revokeDevice = defineRoute(tokensContract, 'POST /auth/token/revoke', {
  id: 'auth.token.revoke',
  access: 'public',
  limit: { name: 'auth.token-refresh', max: 120, windowSeconds: 60, by: 'address' },
  errors: ['TOKENS_NOT_FOR_BROWSERS'],
  bodyLimitBytes,
  handler: async (ctx) => {
    refuseBrowsers(ctx);
    const parts = parseToken('brt', ctx.body.refreshToken);
    const { db, identity } = ctx.services;
    const ended = parts && (await db.withAuth((tx) => revokeByToken(ctx, tx, parts)));
    if (ended) internalsOf(identity).cache.drop(`family:${ended}`);
  },
});

/** revokeByToken also takes a used token: whoever holds it may only do good with it. Returns the device that ended. */
async function revokeByToken(
  ctx: RequestContext,
  tx: Tx,
  { id, secret }: { readonly id: string; readonly secret: string },
): Promise<string | null> {
  const found = await lockPair(tx, id);
  if (!found || !isSecret(secret, found.pair.refresh_hash)) return null;
  await endFamily(tx, found.family.user_id, found.family.id);
  await auditFamily(ctx, tx, found.family, 'auth.token.revoke');
  return found.family.id;
}

const consent = defineRoute(tokensContract, 'POST /auth/device-codes', {
  id: 'auth.device-code.create',
  access: 'signed-in',
  stepUp: true,
  showsSecretOnce: true,
  limit: { name: 'auth.device-code', max: 20, windowSeconds: 3600, by: 'user' },
  errors: ['REDIRECT_REFUSED'],
  bodyLimitBytes,
  handler: async (ctx) => ({ redirectTo: await createDeviceCode(ctx, ctx.body) }),
});

const exchangeCode = defineRoute(tokensContract, 'POST /auth/token/exchange', {
  id: 'auth.token.exchange',
  access: 'public',
  showsSecretOnce: true,
  limit: { name: 'auth.sign-in-address', max: 60, windowSeconds: 900, by: 'address' },
  errors: ['DEVICE_CODE_INVALID', 'TOKENS_NOT_FOR_BROWSERS'],
  bodyLimitBytes,
  handler: async (ctx) => {
    refuseBrowsers(ctx);
    return toAnswer(await useDeviceCode(ctx, ctx.body, lifetimesOf(ctx)));
  },
});

export const tokenRoutes: readonly Route[] = [consent, exchangeCode, issueTokens, refreshDevice, revokeDevice];
