/** Ends what a person is signed in with, for who runs the server: browsers, devices, and steps under way. */
import type { Tx } from '#kernel/db';
import type { RequestContext } from '#kernel/http';
import { createProof, forgetProofs } from './mail-proofs/proof-store.ts';
import { queueResetMail } from './mail-proofs/proof-mails.ts';
import { forgetDevices } from './second-factors/trusted-device.ts';
import { endOtherSessions } from './session-store.ts';

/**
 * endAccess signs a person out everywhere and ends the links under way, in the caller's transaction of withAuth; returns how
 * many browsers and devices there were. Keys stay, but no process goes on by what it remembers of them.
 */
export async function endAccess(tx: Tx, userId: string): Promise<number> {
  const ended = await endOtherSessions(tx, userId, null);
  await forgetProofs(tx, userId);
  await forgetDevices(tx, userId);
  return ended;
}

/** sendPasswordReset mails the link to choose a new password, in the caller's transaction of withAuth. */
export async function sendPasswordReset(
  { services: { config, identity, mail } }: Pick<RequestContext, 'services'>,
  tx: Tx,
  person: { readonly id: string; readonly name: string; readonly email: string },
): Promise<void> {
  const proof = { userId: person.id, purpose: 'reset', email: person.email } as const;
  await queueResetMail(tx, { mail, config }, person, await createProof(tx, proof, new Date(identity.now())));
}
