/** A link by mail works once and for a while; of what makes it work only a hash is stored. */
import { randomBytes } from 'node:crypto';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { hashToken } from '../session-cookie.ts';

export type ProofPurpose = 'verify' | 'change' | 'reset';

/** MailProof is what a link stands for. */
export interface MailProof {
  readonly userId: string;
  readonly purpose: ProofPurpose;
  readonly email: string;
}

/** Hours a link lives: one that opens an account is short-lived. */
const lifetimeHours: Readonly<Record<ProofPurpose, number>> = { verify: 72, change: 24, reset: 1 };

/** So many links of a kind may be open per account: a second request must not spoil the link that is on its way. */
const openLinks = 3;

/** createProof notes a link and returns its token; beyond three open links of a kind the oldest stops working. */
export async function createProof(tx: Tx, proof: MailProof, now: Date): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await tx.query({
    text: `insert into auth.mail_proofs (id, user_id, purpose, email, token_hash, expires_at, created_at)
           values ($1, $2, $3, $4, $5, $6::timestamptz + make_interval(hours => $7), $6)`,
    values: [newId(), proof.userId, proof.purpose, proof.email, hashToken(token), now, lifetimeHours[proof.purpose]],
  });
  await tx.query({
    text: `delete from auth.mail_proofs where id in (
             select id from auth.mail_proofs where user_id = $1 and purpose = $2 order by created_at desc, id desc offset $3)`,
    values: [proof.userId, proof.purpose, openLinks],
  });
  return token;
}

interface ProofRow {
  user_id: string;
  purpose: ProofPurpose;
  email: string;
}

/** findProof returns what a token stands for now; null also for an account that is switched off. It may be used up by the time it is used. */
export async function findProof(
  tx: Tx,
  token: string,
  purposes: readonly ProofPurpose[],
  now: Date,
): Promise<MailProof | null> {
  const [row] = await tx.query<ProofRow>({
    text: `select p.user_id, p.purpose, p.email from auth.mail_proofs p
           join auth.users u on u.id = p.user_id and u.disabled_at is null
           where p.token_hash = $1 and p.purpose = any($2) and p.expires_at > $3`,
    values: [hashToken(token), purposes, now],
  });
  return row ? { userId: row.user_id, purpose: row.purpose, email: row.email } : null;
}

/**
 * useProof uses the link up, and with it every other link of its kind; null for whoever comes second. The account's row
 * is locked first, so that two links of one account do not cross.
 */
export async function useProof(
  tx: Tx,
  token: string,
  purposes: readonly ProofPurpose[],
  now: Date,
): Promise<MailProof | null> {
  const found = await findProof(tx, token, purposes, now);
  if (!found) return null;
  // Not `for update`: a sign-in holds the password first and then refers to the account, and the two would stop each other.
  await tx.query({ text: 'select id from auth.users where id = $1 for no key update', values: [found.userId] });
  const rows = await tx.query({
    text: 'delete from auth.mail_proofs where token_hash = $1 returning id',
    values: [hashToken(token)],
  });
  if (rows.length === 0) return null;
  await tx.query({
    text: 'delete from auth.mail_proofs where user_id = $1 and purpose = $2',
    values: [found.userId, found.purpose],
  });
  return found;
}

/**
 * forgetProofs ends the links that give an account away: to a new password, or to a new address. Whoever takes an account back
 * must not lose it to a link that somebody else has asked for before.
 */
export async function forgetProofs(tx: Tx, userId: string): Promise<void> {
  await tx.query({
    text: `delete from auth.mail_proofs where user_id = $1 and purpose in ('reset', 'change')`,
    values: [userId],
  });
}

/** sweepMailProofs deletes links that ended; returns how many. */
export async function sweepMailProofs(db: Database, now: Date): Promise<number> {
  const rows = await db.withAuth((tx) =>
    tx.query({ text: 'delete from auth.mail_proofs where expires_at < $1 returning id', values: [now] }),
  );
  return rows.length;
}
