/**
 * What every change of a person's factors brings along: trusted devices are asked again, codes without a factor go, the
 * person is told, and the act is on record; all in the transaction of the change.
 */
import type { SignedInContext } from '#kernel/http';
import type { Tx } from '#kernel/db';
import { lockFactors, readFactors, secondStepMethods } from './factor-store.ts';
import { removeRecoveryCodes, replaceRecoveryCodes } from './recovery-codes.ts';
import { tellPerson } from './tell-person.ts';
import { forgetDevices } from './trusted-device.ts';

/** FactorChange is one change as it is recorded and told. */
export interface FactorChange {
  /** Audit action, `auth.totp.enable`. */
  readonly action: string;
  readonly resource?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** What the person is told: `An authenticator app was set up`. */
  readonly title: string;
}

/** changeFactors runs `work` with the person's factors held, and then does what belongs to any change. */
export function changeFactors<T>(ctx: SignedInContext, change: FactorChange, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { userId } = ctx.principal;
  return ctx.auth(async (tx) => {
    await lockFactors(tx, userId);
    const result = await work(tx);
    const endedDevices = await forgetDevices(tx, userId);
    if (secondStepMethods(await readFactors(tx, userId)).length === 0) await removeRecoveryCodes(tx, userId);
    await tellPerson(ctx, tx, userId, {
      title: change.title,
      text: 'If this was not you, change your password and look through your sessions at once.',
    });
    await ctx.audit(tx, {
      action: change.action,
      resource: change.resource ?? `user:${userId}`,
      details: { ...change.details, endedDevices },
    });
    return result;
  });
}

/** giveFirstCodes makes recovery codes for somebody who has none that work; null for who has some. */
export async function giveFirstCodes(tx: Tx, userId: string): Promise<string[] | null> {
  const { recoveryCodesLeft } = await readFactors(tx, userId);
  return recoveryCodesLeft > 0 ? null : replaceRecoveryCodes(tx, userId);
}
