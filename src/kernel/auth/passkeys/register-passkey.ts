/** Adds a passkey: discoverable, with user verification, for this host; the browser's answer is good once. */
import type { z } from 'zod';
import type { SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { describeDevice } from '../describe-device.ts';
import { authErrors } from '../errors.ts';
import { changeFactors } from '../second-factors/change-factors.ts';
import { readFactors } from '../second-factors/factor-store.ts';
import type { newPasskeyAnswer, passkeyCreation } from './contract.ts';
import { askPasskey, challengeIn, challengeSeconds, useUpQuestion, type PasskeyQuestion } from './passkey-challenge.ts';
import { insertPasskey, listPasskeys, type NewPasskey, type PasskeyRow } from './passkey-store.ts';
import { readRelyingParty } from './relying-party.ts';
import { describePasskey, loadWebAuthn, mostPasskeys, toUserHandle } from './verify-passkey.ts';

type NewPasskeyAnswer = z.output<typeof newPasskeyAnswer>;

/** EdDSA, ES256, RS256: one of these every authenticator has. */
const algorithms = [-8, -7, -257];
const unknownKind = '00000000-0000-0000-0000-000000000000';

/** beginPasskey returns what `navigator.credentials.create` needs. */
export async function beginPasskey(
  ctx: SignedInContext,
  question: PasskeyQuestion,
): Promise<z.input<typeof passkeyCreation>> {
  const { id } = readRelyingParty(ctx);
  const { userId } = ctx.principal;
  const { person, own } = await ctx.services.db.withAuth(async (tx) => {
    const [row] = await tx.query<{ email: string; name: string }>({
      text: 'select email, name from auth.users where id = $1',
      values: [userId],
    });
    return { person: row, own: await listPasskeys(tx, userId, null, mostPasskeys) };
  });
  if (own.length >= mostPasskeys) throw authErrors.PASSKEY_COUNT_REACHED();
  return {
    challenge: await askPasskey(ctx.services, question),
    rp: { id, name: 'Bulkhead' },
    user: { id: toUserHandle(userId), name: person?.email ?? '', displayName: person?.name ?? '' },
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: challengeSeconds * 1000,
    excludeCredentials: own.map(describePasskey),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none', // who made the authenticator is nobody's business here
  };
}

/** addPasskey throws PASSKEY_REFUSED, PASSKEY_KNOWN and PASSKEY_COUNT_REACHED. */
export async function addPasskey(
  ctx: SignedInContext,
  question: PasskeyQuestion,
  answer: NewPasskeyAnswer,
  name: string | undefined,
): Promise<PasskeyRow> {
  const { userId } = ctx.principal;
  const made = await verifyRegistration(ctx, question, answer);
  const passkey: NewPasskey = { ...made, id: newId(), userId, name: name ?? describeDevice(ctx.userAgent) };
  const change = {
    action: 'auth.passkey.add',
    resource: `passkey:${passkey.id}`,
    details: { isSynced: passkey.isSynced },
    title: `A passkey was added: ${passkey.name}`,
  };
  return changeFactors(ctx, change, async (tx) => {
    if ((await readFactors(tx, userId)).passkeys >= mostPasskeys) throw authErrors.PASSKEY_COUNT_REACHED();
    const row = await insertPasskey(tx, passkey);
    if (!row) throw authErrors.PASSKEY_KNOWN();
    return row;
  });
}

async function verifyRegistration(
  ctx: SignedInContext,
  question: PasskeyQuestion,
  answer: NewPasskeyAnswer,
): Promise<Omit<NewPasskey, 'id' | 'userId' | 'name'>> {
  const challenge = challengeIn(answer.clientDataJSON);
  if (challenge === null || !(await useUpQuestion(ctx.services, question, challenge)))
    throw authErrors.PASSKEY_REFUSED({ internal: 'the question is not known, was answered, or waited too long' });
  const { id, origin } = readRelyingParty(ctx);
  const { verifyRegistrationResponse } = await loadWebAuthn();
  const { clientDataJSON, attestationObject, transports } = answer;
  const verdict = await verifyRegistrationResponse({
    response: {
      id: answer.id,
      rawId: answer.id,
      type: 'public-key',
      response: { clientDataJSON, attestationObject, transports },
      clientExtensionResults: {},
    },
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: id,
    requireUserVerification: true,
    supportedAlgorithmIDs: algorithms,
  }).catch((error: unknown) => {
    const internal = error instanceof Error ? error.message : 'the answer is not well formed';
    throw authErrors.PASSKEY_REFUSED({ internal, cause: error });
  });
  if (!verdict.verified) throw authErrors.PASSKEY_REFUSED({ internal: 'the attestation is not right' });
  const { credential, aaguid, credentialBackedUp } = verdict.registrationInfo;
  return {
    credentialId: credential.id,
    publicKey: credential.publicKey,
    counter: credential.counter,
    transports,
    isSynced: credentialBackedUp,
    aaguid: aaguid === unknownKind ? null : aaguid,
  };
}
