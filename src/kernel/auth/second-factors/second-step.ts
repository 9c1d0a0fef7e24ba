/**
 * The second step of signing in. A try is counted before anything is compared, in a transaction that commits whatever
 * comes of it; then the first step, the code and the new session are settled together, so that of two requests with one
 * code at most one gets in.
 */
import type { Tx } from '#kernel/db';
import type { RequestContext } from '#kernel/http';
import type { LimitRule } from '#kernel/limits';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { auditForPerson, deliverSignIn, startSession, type SignInContext } from '../finish-sign-in.ts';
import type { SignedInPerson } from '../signed-in-person.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';
import { useRecoveryCode } from './recovery-codes.ts';
import { clearedChallengeCookie, takeTry, useUpChallenge, type SignInChallenge } from './sign-in-challenge.ts';
import { tellPerson } from './tell-person.ts';
import { openTotp, readTotp, spendStep } from './totp-store.ts';
import { matchStep } from './totp.ts';
import { trustDevice } from './trusted-device.ts';

/**
 * codeRule counts codes per account, over all its sign-ins: whoever knows the password could otherwise begin as many as
 * they like. Passkeys are not counted, there is nothing to guess.
 */
export const codeRule: LimitRule = { name: 'auth.second-factor', max: 15, windowSeconds: 900 };

export interface CodeAnswer {
  readonly method: 'totp' | 'recovery-code';
  readonly code: string;
  readonly trustDevice: boolean;
}

/** CheckedFactor uses the factor up in the transaction that opens the session; false when somebody was faster. */
export type CheckedFactor = (tx: Tx) => Promise<boolean>;

/** refuseChallenge says that there is no first step to go on from, and makes the browser forget it. */
export function refuseChallenge(ctx: Pick<RequestContext, 'setCookies'>): Error {
  ctx.setCookies([clearedChallengeCookie]);
  return authErrors.SECOND_FACTOR_EXPIRED();
}

/** finishWithCode makes the session. Throws SECOND_FACTOR_FAILED, SECOND_FACTOR_EXPIRED and RATE_LIMITED. */
export async function finishWithCode(ctx: RequestContext, answer: CodeAnswer): Promise<SignedInPerson> {
  const challenge = await ctx.services.db.withAuth((tx) => takeTry(ctx, tx));
  if (!challenge) throw refuseChallenge(ctx);
  const key = `user ${challenge.userId}`;
  await takeOrRefuse(ctx, codeRule, key, 'Too many codes were tried for this account. Wait a little and try again.');
  const use = await checkCode(ctx, challenge.userId, answer);
  const person = use && (await finishSecondStep(ctx, challenge, answer.method, answer.trustDevice, use));
  if (!person) {
    await ctx.services.db.withAuth((tx) =>
      auditForPerson(ctx, tx, challenge.userId, 'auth.second-factor.failed', { method: answer.method }),
    );
    throw authErrors.SECOND_FACTOR_FAILED({ extensions: { triesLeft: challenge.triesLeft } });
  }
  await ctx.services.limits.reset(codeRule, key);
  return person;
}

/** checkCode is null for a code that is wrong at once; call it outside a transaction, once the try is counted by codeRule. */
export async function checkCode(
  ctx: RequestContext,
  userId: string,
  { method, code }: Pick<CodeAnswer, 'method' | 'code'>,
): Promise<CheckedFactor | null> {
  return method === 'totp' ? checkTotp(ctx, userId, code) : checkRecovery(ctx, userId, code);
}

async function checkTotp(ctx: RequestContext, userId: string, code: string): Promise<CheckedFactor | null> {
  const { services } = ctx;
  const stored = await services.db.withAuth((tx) => readTotp(tx, userId));
  if (!stored?.isConfirmed) return null;
  const digits = code.replaceAll(/\s/g, '');
  const step = matchStep(await openTotp(services, stored), digits, internalsOf(services.identity).now());
  return step === null ? null : (tx) => spendStep(tx, stored, step);
}

const fewCodes = 3;

function checkRecovery(ctx: RequestContext, userId: string, code: string): CheckedFactor {
  return async (tx) => {
    const left = await useRecoveryCode(tx, userId, code);
    if (left === null) return false;
    const advice = left <= fewCodes ? ' Make a new set on the page Security.' : '';
    await tellPerson(ctx, tx, userId, {
      title: 'A recovery code was used to sign in',
      text: `${left} ${left === 1 ? 'is' : 'are'} left.${advice} If this was not you, change your password at once.`,
    });
    return true;
  };
}

/**
 * finishSecondStep turns the first step into a session once `use` says that the factor was free; null when it was not,
 * and then nothing has happened. Throws SECOND_FACTOR_EXPIRED when another request finished this sign-in.
 */
export async function finishSecondStep(
  ctx: SignInContext,
  challenge: SignInChallenge,
  method: CodeAnswer['method'] | 'passkey',
  isDeviceTrusted: boolean,
  use: CheckedFactor,
): Promise<SignedInPerson | null> {
  const outcome = await ctx.services.db
    .withAuth(async (tx) => {
      if (!(await useUpChallenge(tx, challenge.id))) throw refuseChallenge(ctx);
      if (!(await use(tx))) throw new FactorTaken();
      const trust = isDeviceTrusted ? [await trustDevice(ctx, tx, challenge.userId)] : [];
      const details = { means: challenge.means, secondFactor: method, isDeviceTrusted };
      const started = await startSession(ctx, tx, challenge, details);
      return { ...started, cookies: [...started.cookies, clearedChallengeCookie, ...trust] };
    })
    .catch((error: unknown) => {
      if (error instanceof FactorTaken) return null;
      throw error;
    });
  return outcome && deliverSignIn(ctx, outcome);
}

/** FactorTaken rolls the transaction back, so that the first step can still be followed by a better code. */
class FactorTaken extends Error {}
