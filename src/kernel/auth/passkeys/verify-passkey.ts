/**
 * Asks for and checks a passkey's signature, wherever one is taken. The question is used up first, right or wrong; user
 * verification is required, so that a passkey stands for both factors. What the library throws never reaches the caller.
 */
import type { z } from 'zod';
import type { RequestContext } from '#kernel/http';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import type { passkeyAnswer, passkeyRequest } from './contract.ts';
import { askPasskey, challengeIn, challengeSeconds, useUpQuestion, type PasskeyQuestion } from './passkey-challenge.ts';
import { findPasskey, listPasskeys, type PasskeyRow, type PasskeyUse } from './passkey-store.ts';
import { readRelyingParty } from './relying-party.ts';

type PasskeyContext = Pick<RequestContext, 'services' | 'headers' | 'log'>;
type PasskeyAnswer = z.output<typeof passkeyAnswer>;

/** mostPasskeys is how many a person may have; all of them fit in one question. */
export const mostPasskeys = 20;

/** loadWebAuthn loads the library on first use: a starting server need not wait for it. */
export const loadWebAuthn = () => import('@simplewebauthn/server');

/** toUserHandle is the form in which authenticators keep whose passkey it is: the bytes of the id, base64url. */
export function toUserHandle(userId: string): string {
  return Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url');
}

/** describePasskey is how browsers are told of a passkey that they may use, or must not make again. */
export function describePasskey(row: PasskeyRow) {
  return { id: row.credential_id, type: 'public-key' as const, transports: row.transports };
}

/** requestPasskey notes the question and returns what `navigator.credentials.get` needs. */
export async function requestPasskey(
  ctx: PasskeyContext,
  question: PasskeyQuestion,
): Promise<z.input<typeof passkeyRequest>> {
  const { id } = readRelyingParty(ctx);
  const { userId } = question;
  const own =
    userId === null ? [] : await ctx.services.db.withAuth((tx) => listPasskeys(tx, userId, null, mostPasskeys));
  if (userId !== null && own.length === 0) throw authErrors.PASSKEY_MISSING();
  return {
    challenge: await askPasskey(ctx.services, question),
    rpId: id,
    timeout: challengeSeconds * 1000,
    userVerification: 'required',
    allowCredentials: own.map(describePasskey),
  };
}

/** CheckedPasskey is a right answer; hand `use` to `usePasskey` in the transaction of what it opens. */
export interface CheckedPasskey {
  readonly userId: string;
  readonly use: PasskeyUse;
}

/** checkPasskey throws PASSKEY_REFUSED for every answer that is not right, and says why only in the log. */
export async function checkPasskey(
  ctx: PasskeyContext,
  question: PasskeyQuestion,
  answer: PasskeyAnswer,
): Promise<CheckedPasskey> {
  const { services } = ctx;
  const challenge = challengeIn(answer.clientDataJSON);
  if (challenge === null || !(await useUpQuestion(services, question, challenge)))
    throw refuse('the question is not known, was answered, or waited too long');
  const passkey = await services.db.withAuth((tx) => findPasskey(tx, answer.id));
  if (!passkey) throw refuse('the credential is not known');
  const isOwner = answer.userHandle === undefined || answer.userHandle === toUserHandle(passkey.user_id);
  if (!isOwner || (question.userId !== null && question.userId !== passkey.user_id))
    throw refuse('the credential belongs to somebody else');
  const info = await verifySignature(ctx, passkey, answer, challenge);
  const usedAt = new Date(internalsOf(services.identity).now());
  return {
    userId: passkey.user_id,
    use: { passkeyId: passkey.id, counter: info.newCounter, isSynced: info.credentialBackedUp, usedAt },
  };
}

function refuse(internal: string, cause?: unknown): Error {
  return authErrors.PASSKEY_REFUSED({ internal, cause });
}

async function verifySignature(ctx: PasskeyContext, passkey: PasskeyRow, answer: PasskeyAnswer, challenge: string) {
  const { id, origin } = readRelyingParty(ctx);
  const { verifyAuthenticationResponse } = await loadWebAuthn();
  const { clientDataJSON, authenticatorData, signature } = answer;
  const verdict = await verifyAuthenticationResponse({
    response: {
      id: answer.id,
      rawId: answer.id,
      type: 'public-key',
      response: { clientDataJSON, authenticatorData, signature },
      clientExtensionResults: {},
    },
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: id,
    requireUserVerification: true,
    credential: {
      id: passkey.credential_id,
      publicKey: new Uint8Array(passkey.public_key),
      counter: Number(passkey.counter),
    },
  }).catch((error: unknown) => {
    throw refuse(error instanceof Error ? error.message : 'the answer is not well formed', error);
  });
  if (!verdict.verified) throw refuse('the signature is not right');
  return verdict.authenticationInfo;
}
