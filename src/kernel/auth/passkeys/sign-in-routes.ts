/** Routes that take a passkey's signature: signing in with it alone, as the second step, and as proof before a change. */
import { defineRoute, type RequestContext, type Route, type SignedInContext } from '#kernel/http';
import { authErrors } from '../errors.ts';
import { deliverSignIn, finishSignIn } from '../finish-sign-in.ts';
import { recordProof } from '../routes/step-up-routes.ts';
import { finishSecondStep, refuseChallenge } from '../second-factors/second-step.ts';
import { findChallenge, type SignInChallenge } from '../second-factors/sign-in-challenge.ts';
import { passkeysContract } from './contract.ts';
import type { PasskeyQuestion } from './passkey-challenge.ts';
import { usePasskey } from './passkey-store.ts';
import { findBrowser, holderOf, holdInBrowser } from './question-holder.ts';
import { checkPasskey, requestPasskey } from './verify-passkey.ts';

const limit = { name: 'auth.passkey-address', max: 120, windowSeconds: 900, by: 'address' } as const;
const bodyLimitBytes = 65_536;

const signInQuestion = (holder: string): PasskeyQuestion => ({ purpose: 'sign-in', holder, userId: null });

const beginSignIn = defineRoute(passkeysContract, 'POST /auth/sign-in/passkey-options', {
  id: 'auth.sign-in.passkey-begin',
  access: 'public',
  limit,
  errors: ['PASSKEY_HOST_UNFIT'],
  handler: (ctx) => requestPasskey(ctx, signInQuestion(holdInBrowser(ctx))),
});

const signIn = defineRoute(passkeysContract, 'POST /auth/sign-in/passkey', {
  id: 'auth.sign-in.passkey',
  access: 'public',
  limit,
  errors: ['PASSKEY_REFUSED', 'PASSKEY_HOST_UNFIT', 'SIGN_ON_REQUIRED'],
  bodyLimitBytes,
  handler: async (ctx) => {
    const holder = findBrowser(ctx);
    if (holder === null) throw authErrors.PASSKEY_REFUSED({ internal: 'another browser asked, or none' });
    const { userId, use } = await checkPasskey(ctx, signInQuestion(holder), ctx.body.credential);
    const outcome = await ctx.services.db.withAuth(async (tx) => {
      if (!(await usePasskey(tx, use)))
        throw authErrors.PASSKEY_REFUSED({ internal: 'removed, or a counter seen before' });
      return finishSignIn(ctx, tx, userId, 'passkey');
    });
    return deliverSignIn(ctx, outcome);
  },
});

async function findFirstStep(ctx: RequestContext): Promise<SignInChallenge> {
  const challenge = await ctx.services.db.withAuth((tx) => findChallenge(ctx, tx));
  if (!challenge) throw refuseChallenge(ctx);
  return challenge;
}

const secondStepQuestion = ({ id, userId }: SignInChallenge): PasskeyQuestion => ({
  purpose: 'second-factor',
  holder: `challenge:${id}`,
  userId,
});

const beginSecondStep = defineRoute(passkeysContract, 'POST /auth/second-factor/passkey-options', {
  id: 'auth.second-factor.passkey-begin',
  access: 'public',
  limit,
  errors: ['SECOND_FACTOR_EXPIRED', 'PASSKEY_MISSING', 'PASSKEY_HOST_UNFIT'],
  handler: async (ctx) => requestPasskey(ctx, secondStepQuestion(await findFirstStep(ctx))),
});

const finishSecond = defineRoute(passkeysContract, 'POST /auth/second-factor/passkey', {
  id: 'auth.second-factor.passkey',
  access: 'public',
  limit,
  errors: ['SECOND_FACTOR_EXPIRED', 'PASSKEY_REFUSED', 'PASSKEY_HOST_UNFIT'],
  bodyLimitBytes,
  handler: async (ctx) => {
    const challenge = await findFirstStep(ctx);
    const { use } = await checkPasskey(ctx, secondStepQuestion(challenge), ctx.body.credential);
    const useIt = (tx: Parameters<typeof usePasskey>[0]) => usePasskey(tx, use);
    const person = await finishSecondStep(ctx, challenge, 'passkey', ctx.body.trustDevice, useIt);
    if (!person) throw authErrors.PASSKEY_REFUSED({ internal: 'removed, or a counter seen before' });
    return person;
  },
});

const stepUpQuestion = (ctx: SignedInContext): PasskeyQuestion => ({
  purpose: 'step-up',
  holder: holderOf(ctx),
  userId: ctx.principal.userId,
});

const stepUpLimit = { name: 'auth.step-up', max: 20, windowSeconds: 900, by: 'user' } as const;

const beginStepUp = defineRoute(passkeysContract, 'POST /auth/step-up/passkey-options', {
  id: 'auth.step-up.passkey-begin',
  access: 'signed-in',
  limit: stepUpLimit,
  errors: ['PASSKEY_MISSING', 'PASSKEY_HOST_UNFIT'],
  handler: (ctx) => requestPasskey(ctx, stepUpQuestion(ctx)),
});

const stepUp = defineRoute(passkeysContract, 'POST /auth/step-up/passkey', {
  id: 'auth.step-up.passkey',
  access: 'signed-in',
  limit: stepUpLimit,
  errors: ['PASSKEY_REFUSED', 'PASSKEY_HOST_UNFIT'],
  bodyLimitBytes,
  handler: async (ctx) => {
    const { use } = await checkPasskey(ctx, stepUpQuestion(ctx), ctx.body.credential);
    const isUsed = await ctx.services.db.withAuth((tx) => usePasskey(tx, use));
    if (!isUsed) throw authErrors.PASSKEY_REFUSED({ internal: 'removed, or a counter seen before' });
    await recordProof(ctx, 'passkey');
  },
});

export const passkeySignInRoutes: readonly Route[] = [
  beginSignIn,
  signIn,
  beginSecondStep,
  finishSecond,
  beginStepUp,
  stepUp,
];
