/** Routes by which people set up and remove second factors; each change asks for a recent proof and is on record. */
import { defineRoute, type Route } from '#kernel/http';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { findPasskeyHost } from '../passkeys/relying-party.ts';
import { changeFactors, giveFirstCodes } from './change-factors.ts';
import { secondFactorsContract } from './contract.ts';
import { askForPasskey, readFactors, secondStepMethods } from './factor-store.ts';
import { replaceRecoveryCodes } from './recovery-codes.ts';
import { beginTotp, confirmTotp, openTotp, readTotp, removeTotp, sealTotp } from './totp-store.ts';
import { matchStep, newTotpSecret, totpUri } from './totp.ts';

/** changeLimit is shared by all changes of factors; codes are counted apart. */
export const changeLimit = { name: 'auth.factor-change', max: 60, windowSeconds: 3600, by: 'user' } as const;

const readState = defineRoute(secondFactorsContract, 'GET /second-factors', {
  id: 'auth.second-factor.read',
  access: 'signed-in',
  limit: { name: 'auth.factor-read', max: 120, windowSeconds: 60, by: 'user' },
  handler: async (ctx) => {
    const factors = await ctx.services.db.withAuth((tx) => readFactors(tx, ctx.principal.userId));
    return {
      isTotpActive: factors.isTotpActive,
      isPasskeyAsked: factors.isPasskeyAsked,
      passkeys: factors.passkeys,
      recoveryCodesLeft: factors.recoveryCodesLeft,
      hasPassword: factors.hasPassword,
      passkeyHost: findPasskeyHost(ctx.services.config),
    };
  },
});

const begin = defineRoute(secondFactorsContract, 'POST /second-factors/totp', {
  id: 'auth.totp.begin',
  access: 'signed-in',
  showsSecretOnce: true,
  limit: changeLimit,
  stepUp: true,
  errors: ['TOTP_ACTIVE'],
  handler: async (ctx) => {
    const { services, principal } = ctx;
    const secret = newTotpSecret();
    const sealed = await sealTotp(services, principal.userId, secret);
    const email = await services.db.withAuth(async (tx) => {
      if (!(await beginTotp(tx, principal.userId, sealed))) throw authErrors.TOTP_ACTIVE();
      const [row] = await tx.query<{ email: string }>({
        text: 'select email from auth.users where id = $1',
        values: [principal.userId],
      });
      await ctx.audit(tx, { action: 'auth.totp.begin', resource: `user:${principal.userId}` });
      return row?.email ?? '';
    });
    return { secret, uri: totpUri(secret, serverName(services.config.publicUrl), email) };
  },
});

/** serverName is how authenticator apps list this server: several servers of one person must be told apart. */
function serverName(publicUrl: string | undefined): string {
  return publicUrl ? `Bulkhead ${new URL(publicUrl).hostname}` : 'Bulkhead';
}

const confirm = defineRoute(secondFactorsContract, 'POST /second-factors/totp/confirm', {
  id: 'auth.totp.enable',
  access: 'signed-in',
  showsSecretOnce: true,
  limit: { name: 'auth.totp-confirm', max: 20, windowSeconds: 900, by: 'user' },
  stepUp: true,
  errors: ['TOTP_NOT_STARTED', 'CODE_WRONG'],
  handler: async (ctx) => {
    const { services, principal, body } = ctx;
    const stored = await services.db.withAuth((tx) => readTotp(tx, principal.userId));
    if (!stored || stored.isConfirmed) throw authErrors.TOTP_NOT_STARTED();
    const now = internalsOf(services.identity).now();
    const step = matchStep(await openTotp(services, stored), body.code, now);
    if (step === null) throw authErrors.CODE_WRONG();
    const change = { action: 'auth.totp.enable', title: 'An authenticator app was set up for signing in' };
    const recoveryCodes = await changeFactors(ctx, change, async (tx) => {
      if (!(await confirmTotp(tx, stored, step))) throw authErrors.TOTP_NOT_STARTED();
      return giveFirstCodes(tx, principal.userId);
    });
    return { recoveryCodes };
  },
});

const remove = defineRoute(secondFactorsContract, 'DELETE /second-factors/totp', {
  id: 'auth.totp.disable',
  access: 'signed-in',
  limit: changeLimit,
  stepUp: true,
  errors: ['SECOND_FACTOR_MISSING'],
  handler: async (ctx) => {
    const change = { action: 'auth.totp.disable', title: 'The authenticator app was removed from signing in' };
    await changeFactors(ctx, change, async (tx) => {
      if (!(await removeTotp(tx, ctx.principal.userId))) throw authErrors.SECOND_FACTOR_MISSING();
    });
  },
});

const askPasskey = defineRoute(secondFactorsContract, 'PUT /second-factors/passkey', {
  id: 'auth.passkey.ask',
  access: 'signed-in',
  showsSecretOnce: true,
  limit: changeLimit,
  stepUp: true,
  errors: ['PASSKEY_MISSING'],
  handler: async (ctx) => {
    const { isAsked } = ctx.body;
    const { userId } = ctx.principal;
    const before = await ctx.services.db.withAuth((tx) => readFactors(tx, userId));
    if (before.isPasskeyAsked === isAsked) return { recoveryCodes: null }; // nothing changes, so nobody is told
    const title = isAsked
      ? 'A passkey is now asked for after the password'
      : 'A passkey is no longer asked for after the password';
    const change = { action: isAsked ? 'auth.passkey.ask' : 'auth.passkey.ask-no-more', title };
    const recoveryCodes = await changeFactors(ctx, change, async (tx) => {
      if (isAsked && (await readFactors(tx, userId)).passkeys === 0) throw authErrors.PASSKEY_MISSING();
      await askForPasskey(tx, userId, isAsked);
      return isAsked ? giveFirstCodes(tx, userId) : null;
    });
    return { recoveryCodes };
  },
});

const renewCodes = defineRoute(secondFactorsContract, 'POST /second-factors/recovery-codes', {
  id: 'auth.recovery-codes.renew',
  access: 'signed-in',
  showsSecretOnce: true,
  limit: changeLimit,
  stepUp: true,
  errors: ['SECOND_FACTOR_MISSING'],
  handler: async (ctx) => {
    const { userId } = ctx.principal;
    const change = { action: 'auth.recovery-codes.renew', title: 'Your recovery codes were replaced' };
    const recoveryCodes = await changeFactors(ctx, change, async (tx) => {
      if (secondStepMethods(await readFactors(tx, userId)).length === 0) throw authErrors.SECOND_FACTOR_MISSING();
      return replaceRecoveryCodes(tx, userId);
    });
    return { recoveryCodes };
  },
});

export const settingsRoutes: readonly Route[] = [readState, begin, confirm, remove, askPasskey, renewCodes];
