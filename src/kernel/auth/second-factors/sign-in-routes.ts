/** The routes between the two steps of signing in; public, and blind without the cookie of the first step. */
import { defineRoute, type Route } from '#kernel/http';
import { secondFactorsContract } from './contract.ts';
import { readFactors, secondStepMethods } from './factor-store.ts';
import { finishWithCode } from './second-step.ts';
import { clearedChallengeCookie, findChallenge, useUpChallenge } from './sign-in-challenge.ts';

const limit = { name: 'auth.second-factor-address', max: 120, windowSeconds: 900, by: 'address' } as const;

const read = defineRoute(secondFactorsContract, 'GET /auth/second-factor', {
  id: 'auth.second-factor.state',
  access: 'public',
  limit,
  handler: async (ctx) => {
    const secondFactor = await ctx.services.db.withAuth(async (tx) => {
      const challenge = await findChallenge(ctx, tx);
      if (!challenge || challenge.triesLeft <= 0) return null;
      const methods = secondStepMethods(await readFactors(tx, challenge.userId));
      return { methods, expiresAt: challenge.expiresAt.toISOString() };
    });
    return { secondFactor };
  },
});

const finish = defineRoute(secondFactorsContract, 'POST /auth/second-factor', {
  id: 'auth.second-factor',
  access: 'public',
  limit,
  errors: ['SECOND_FACTOR_FAILED', 'SECOND_FACTOR_EXPIRED'],
  bodyLimitBytes: 4_096,
  handler: (ctx) => finishWithCode(ctx, ctx.body),
});

const giveUp = defineRoute(secondFactorsContract, 'DELETE /auth/second-factor', {
  id: 'auth.second-factor.give-up',
  access: 'public',
  limit,
  handler: async (ctx) => {
    await ctx.services.db.withAuth(async (tx) => {
      const challenge = await findChallenge(ctx, tx);
      if (challenge) await useUpChallenge(tx, challenge.id);
    });
    ctx.setCookies([clearedChallengeCookie]);
  },
});

export const secondStepRoutes: readonly Route[] = [read, finish, giveUp];
