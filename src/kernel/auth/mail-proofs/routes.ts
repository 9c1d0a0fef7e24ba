/** Routes around links by mail. None of them tells a stranger whether an address has an account. */
import type { Tx } from '#kernel/db';
import { defineRoute, type RequestContext, type Route } from '#kernel/http';
import type { LimitRule } from '#kernel/limits';
import { newId } from '#kernel/ids';
import { kernelErrors } from '#kernel/errors';
import { assertPassword } from '../create-account.ts';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { auditForPerson, deliverSignIn, finishSignIn } from '../finish-sign-in.ts';
import { tellPerson } from '../second-factors/tell-person.ts';
import { forgetDevices } from '../second-factors/trusted-device.ts';
import { readFactors, secondStepMethods } from '../second-factors/factor-store.ts';
import { announce, endOtherSessions } from '../session-store.ts';
import { isSwitchedOff } from '../switched-off.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';
import { mailProofsContract } from './contract.ts';
import { queueChangeMail, queueNotice, queueResetMail, queueTakenMail, queueVerifyMail } from './proof-mails.ts';
import { createProof, findProof, forgetProofs, useProof } from './proof-store.ts';

/** mailboxRule bounds what strangers can make us send to one mailbox. */
const mailboxRule: LimitRule = { name: 'auth.mail-link', max: 5, windowSeconds: 3600 };
/** addressRule bounds it for people who prove or change an address; apart, or they could use up what a forgotten password needs. */
const addressRule: LimitRule = { name: 'auth.mail-address', max: 5, windowSeconds: 3600 };
const strangerLimit = { name: 'auth.password-reset', max: 20, windowSeconds: 3600, by: 'address' } as const;
const linkLimit = { name: 'auth.mail-link-use', max: 30, windowSeconds: 900, by: 'address' } as const;
const ownLimit = { name: 'auth.settings', max: 20, windowSeconds: 3600, by: 'user' } as const;
const bodyLimitBytes = 16_384;
const tooManyMails = 'Several mails were sent to this address already. Look for them, or try again in an hour.';

interface Person {
  id: string;
  name: string;
  email: string;
  username: string | null;
  email_verified: boolean;
}

async function findPerson(tx: Tx, column: 'id' | 'email', value: string): Promise<Person | null> {
  const [row] = await tx.query<Person>({
    text: `select id, name, email, username, email_verified from auth.users where ${column} = $1`,
    values: [value],
  });
  return row ?? null;
}

const nowOf = (ctx: RequestContext): Date => new Date(internalsOf(ctx.services.identity).now());

/** sendReset works after the answer: what it costs would tell who has an account. */
async function sendReset(ctx: RequestContext, email: string): Promise<void> {
  const { db, config, mail } = ctx.services;
  await db.withAuth(async (tx) => {
    const person = await findPerson(tx, 'email', email);
    if (!person || (await isSwitchedOff(tx, person.id))) return;
    const token = await createProof(tx, { userId: person.id, purpose: 'reset', email }, nowOf(ctx));
    await queueResetMail(tx, { mail, config }, person, token);
    await auditForPerson(ctx, tx, person.id, 'auth.password-reset.ask');
  });
}

export const askForReset = defineRoute(mailProofsContract, 'POST /auth/password-reset', {
  id: 'auth.password-reset.ask',
  access: 'public',
  limit: strangerLimit,
  handler: async (ctx) => {
    const { email } = ctx.body;
    // Counted for every address alike, and beyond the limit nothing is said: the mailbox's owner did not ask.
    if (!(await ctx.services.limits.take(mailboxRule, email)).isAllowed) return;
    internalsOf(ctx.services.identity).later('send a link to choose a new password', () => sendReset(ctx, email));
  },
});

export const lookAtReset = defineRoute(mailProofsContract, 'POST /auth/password-reset/look', {
  id: 'auth.password-reset.look',
  access: 'public',
  limit: linkLimit,
  errors: ['MAIL_LINK_INVALID'],
  handler: (ctx) =>
    ctx.services.db.withAuth(async (tx) => {
      const proof = await findProof(tx, ctx.body.token, ['reset'], nowOf(ctx));
      const person = proof && (await findPerson(tx, 'id', proof.userId));
      if (!person) throw authErrors.MAIL_LINK_INVALID();
      return { email: person.email, name: person.name };
    }),
});

async function storeNewPassword(tx: Tx, userId: string, hash: string): Promise<void> {
  const rows = await tx.query({
    text: `update auth.accounts set password = $2, updated_at = now()
           where user_id = $1 and provider_id = 'credential' returning id`,
    values: [userId, hash],
  });
  if (rows.length > 0) return;
  // Somebody who signed in through a provider so far: now with a password as well.
  await tx.query({
    text: `insert into auth.accounts (id, user_id, provider_id, account_id, password) values ($1, $2, 'credential', $3, $4)`,
    values: [newId(), userId, userId, hash],
  });
}

export const finishReset = defineRoute(mailProofsContract, 'POST /auth/password-reset/finish', {
  id: 'auth.password-reset.finish',
  access: 'public',
  limit: linkLimit,
  errors: ['MAIL_LINK_INVALID', 'PASSWORD_REFUSED'],
  bodyLimitBytes,
  handler: async (ctx) => {
    const { services, body } = ctx;
    const { db, config, mail, identity } = services;
    const { hasher, cache } = internalsOf(identity);
    // Looked at first: strangers must not make the server hash passwords.
    const person = await db.withAuth(async (tx) => {
      const proof = await findProof(tx, body.token, ['reset'], nowOf(ctx));
      return proof && findPerson(tx, 'id', proof.userId);
    });
    if (!person) throw authErrors.MAIL_LINK_INVALID();
    await assertPassword(services, body.password, [person.name, person.email, person.username ?? ''], '/body/password');
    const hash = await hasher.hash(body.password);
    const outcome = await db.withAuth(async (tx) => {
      const proof = await useProof(tx, body.token, ['reset'], nowOf(ctx));
      if (!proof) throw authErrors.MAIL_LINK_INVALID();
      await storeNewPassword(tx, person.id, hash);
      await endOtherSessions(tx, person.id, null);
      await forgetProofs(tx, person.id);
      await forgetDevices(tx, person.id);
      if (proof.email === person.email && !person.email_verified) {
        await forgetStrangers(tx, person.id);
        await markVerified(tx, person.id);
      }
      await queueNotice(tx, { mail, config }, person, 'password');
      await auditForPerson(ctx, tx, person.id, 'auth.password-reset.finish');
      return finishSignIn(ctx, tx, person.id, 'mail');
    });
    cache.drop(`user:${person.id}`);
    return deliverSignIn(ctx, outcome);
  },
});

/**
 * forgetStrangers takes away every other way into an account whose address nobody had proved before: whoever signed up
 * with it may have been somebody else, who waits for its owner to come (pre-hijacking). Where a second factor is set up it
 * is asked for as always, and everything stays.
 */
async function forgetStrangers(tx: Tx, userId: string): Promise<void> {
  if (secondStepMethods(await readFactors(tx, userId)).length > 0) return;
  for (const text of [
    'delete from auth.passkeys where user_id = $1',
    `delete from auth.accounts where user_id = $1 and provider_id <> 'credential'`,
    'delete from auth.api_keys where user_id = $1',
  ])
    await tx.query({ text, values: [userId] });
}

async function markVerified(tx: Tx, userId: string): Promise<void> {
  await tx.query({
    text: 'update auth.users set email_verified = true, updated_at = now() where id = $1 and not email_verified',
    values: [userId],
  });
}

export const askForVerification = defineRoute(mailProofsContract, 'POST /auth/email-verification', {
  id: 'auth.email-verification.ask',
  access: 'signed-in',
  limit: ownLimit,
  handler: async (ctx) => {
    const { services, principal } = ctx;
    const own = await services.db.withAuth((tx) => findPerson(tx, 'id', principal.userId));
    if (!own) throw kernelErrors.UNAUTHENTICATED();
    if (own.email_verified) return;
    await takeOrRefuse(ctx, addressRule, own.email, tooManyMails);
    await services.db.withAuth(async (tx) => {
      const person = await findPerson(tx, 'id', principal.userId);
      if (!person) throw kernelErrors.UNAUTHENTICATED();
      const token = await createProof(tx, { userId: person.id, purpose: 'verify', email: person.email }, nowOf(ctx));
      await queueVerifyMail(tx, services, person, token);
      await ctx.audit(tx, { action: 'auth.email-verification.ask', resource: `user:${person.id}` });
    });
  },
});

export const changeEmail = defineRoute(mailProofsContract, 'POST /profile/email', {
  id: 'auth.email.change',
  access: 'signed-in',
  stepUp: true,
  limit: ownLimit,
  handler: async (ctx) => {
    const { services, principal, body } = ctx;
    await takeOrRefuse(ctx, addressRule, body.email, tooManyMails);
    await services.db.withAuth(async (tx) => {
      const person = await findPerson(tx, 'id', principal.userId);
      if (!person) throw kernelErrors.UNAUTHENTICATED();
      const holder = await findPerson(tx, 'email', body.email);
      if (holder?.id === person.id) return;
      // Made also when nobody gets it: the same work, and so the same time, whether the address has an account or not.
      const token = await createProof(tx, { userId: person.id, purpose: 'change', email: body.email }, nowOf(ctx));
      if (holder) await queueTakenMail(tx, services, holder);
      else await queueChangeMail(tx, services, { ...person, email: body.email }, token);
      // Told now, at the address of before: once the link is used there is nothing left to keep.
      await tellPerson(ctx, tx, person.id, {
        title: 'Another e-mail address was asked for',
        text: `The account moves to ${body.email} when the link sent there is used. If this was not you, change your password: that ends the link.`,
      });
      await ctx.audit(tx, { action: 'auth.email.change.ask', resource: `user:${person.id}` });
    });
  },
});

/** applyAddress makes the proved address count. Throws EMAIL_TAKEN when another account took it meanwhile. */
async function applyAddress(ctx: RequestContext, tx: Tx, token: string) {
  const { mail, config } = ctx.services;
  const proof = await useProof(tx, token, ['verify', 'change'], nowOf(ctx));
  const person = proof && (await findPerson(tx, 'id', proof.userId));
  if (!person) throw authErrors.MAIL_LINK_INVALID();
  const isNewAddress = proof.purpose === 'change';
  if (!isNewAddress) {
    // The address may have been changed since the link was sent.
    if (proof.email !== person.email) throw authErrors.MAIL_LINK_INVALID();
    await markVerified(tx, person.id);
  } else {
    await tx.query({
      text: 'update auth.users set email = $2, email_verified = true, updated_at = now() where id = $1',
      values: [person.id, proof.email],
    });
    await tx.query({ text: `delete from auth.mail_proofs where user_id = $1`, values: [person.id] });
    await queueNotice(tx, { mail, config }, person, { newEmail: proof.email });
    await announce(tx, `user:${person.id}`);
  }
  await auditForPerson(ctx, tx, person.id, isNewAddress ? 'auth.email.change' : 'auth.email-verification.finish');
  return { email: proof.email, isNewAddress };
}

export const finishVerification = defineRoute(mailProofsContract, 'POST /auth/email-verification/finish', {
  id: 'auth.email-verification.finish',
  access: 'public',
  limit: linkLimit,
  errors: ['MAIL_LINK_INVALID', 'EMAIL_TAKEN'],
  handler: async (ctx) => {
    try {
      return await ctx.services.db.withAuth((tx) => applyAddress(ctx, tx, ctx.body.token));
    } catch (error) {
      if ((error as { code?: unknown }).code === '23505') throw authErrors.EMAIL_TAKEN({ cause: error });
      throw error;
    }
  },
});

export const mailProofRoutes: readonly Route[] = [
  askForReset,
  lookAtReset,
  finishReset,
  askForVerification,
  finishVerification,
  changeEmail,
];
