/** The routes by which people become known: setup, sign-up, sign-in; each is public and counted by address. */
import { defineRoute } from '#kernel/http';
import { addressKey, type LimitRule } from '#kernel/limits';
import { authContract } from '../contract.ts';
import { assertPassword, createAccount, passwordPolicyOf } from '../create-account.ts';
import { internalsOf } from '../create-identity.ts';
import { assertInvited } from '../join-at-sign-up.ts';
import { authErrors } from '../errors.ts';
import { findPasskeyHost } from '../passkeys/relying-party.ts';
import { maxPasswordLength } from '../password-policy.ts';
import { isSetupOpen, isSetupToken, useSetupToken } from '../setup-link.ts';
import { signIn } from '../sign-in.ts';
import { signOnErrors } from '../sign-on/errors.ts';
import { isDomainEnforced } from '../sign-on/mail-domain.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';

/** A password of 1,000 characters, each written as \uXXXX, and the rest of the form. */
const bodyLimitBytes = 16_384;

/** signUpRule counts accounts, not typing errors: it is taken once the form is in order. */
export const signUpRule: LimitRule = { name: 'auth.sign-up', max: 3, windowSeconds: 86_400 };

export const readSetup = defineRoute(authContract, 'GET /setup', {
  id: 'auth.setup.read',
  access: 'public',
  limit: { name: 'auth.setup-state', max: 120, windowSeconds: 60, by: 'address' },
  handler: async ({ services }) => {
    const { config, db, identity } = services;
    const { minLength, needsClasses } = passwordPolicyOf(config);
    const isOpen = await isSetupOpen(db);
    // Whoever asks is about to send a form; loading takes half a second that they need not wait for then.
    internalsOf(identity).later('load the account engine', () => internalsOf(identity).engine.warm());
    return {
      isOpen,
      isSignUpOpen: config.signUp === 'open',
      passkeyHost: findPasskeyHost(config),
      isMailConfigured: services.mail.isConfigured,
      passwordPolicy: { minLength, maxLength: maxPasswordLength, needsClasses },
    };
  },
});

export const setUp = defineRoute(authContract, 'POST /setup', {
  id: 'auth.setup',
  access: 'public',
  limit: { name: 'auth.setup', max: 30, windowSeconds: 900, by: 'address' },
  errors: ['SETUP_LINK_INVALID', 'PASSWORD_REFUSED', 'EMAIL_TAKEN', 'USERNAME_TAKEN'],
  bodyLimitBytes,
  handler: async (ctx) => {
    const { token, password, ...account } = ctx.body;
    // Asked first: strangers must not make the server hash passwords.
    if (!(await isSetupToken(ctx.services.db, token))) throw authErrors.SETUP_LINK_INVALID();
    await assertPassword(ctx.services, password, personalWords(account), '/body/password');
    return createAccount(ctx, {
      account,
      password,
      action: 'auth.setup',
      isOperator: true,
      admit: async (tx) => {
        if (!(await useSetupToken(tx, token))) throw authErrors.SETUP_LINK_INVALID();
      },
    });
  },
});

export const signUp = defineRoute(authContract, 'POST /auth/sign-up', {
  id: 'auth.sign-up',
  access: 'public',
  limit: { name: 'auth.sign-up-form', max: 20, windowSeconds: 3600, by: 'address' },
  errors: [
    'SIGN_UP_CLOSED',
    'SIGN_ON_REQUIRED',
    'PASSWORD_REFUSED',
    'EMAIL_TAKEN',
    'USERNAME_TAKEN',
    'INVITATION_INVALID',
    'INVITATION_FOR_ANOTHER_ADDRESS',
  ],
  bodyLimitBytes,
  handler: async (ctx) => {
    const { password, invitation, ...account } = ctx.body;
    if (invitation) await assertInvited(ctx, invitation);
    else if (ctx.services.config.signUp !== 'open') throw authErrors.SIGN_UP_CLOSED();
    // An organisation that insists on its own sign-on is not to find its people's addresses taken by strangers.
    if (await ctx.services.db.withAuth((tx) => isDomainEnforced(tx, account.email)))
      throw signOnErrors.SIGN_ON_REQUIRED();
    await assertPassword(ctx.services, password, personalWords(account), '/body/password');
    // A team that signs up in one office has one address; an invitation counts its own uses.
    if (!invitation) {
      const detail = 'Too many accounts were made from this address today.';
      await takeOrRefuse(ctx, signUpRule, addressKey(ctx.address), detail);
    }
    return createAccount(ctx, { account, password, action: 'auth.sign-up', invitation });
  },
});

export const signInByPassword = defineRoute(authContract, 'POST /auth/sign-in', {
  id: 'auth.sign-in',
  access: 'public',
  limit: { name: 'auth.sign-in-address', max: 60, windowSeconds: 900, by: 'address' },
  errors: ['SIGN_IN_FAILED'],
  bodyLimitBytes,
  handler: (ctx) => signIn(ctx, ctx.body.identifier, ctx.body.password),
});

function personalWords(account: { name: string; email: string; username?: string }): string[] {
  return [account.name, account.email, account.username ?? ''];
}
