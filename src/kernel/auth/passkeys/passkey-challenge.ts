/** A text that a passkey is asked to sign: random, kept as a hash, good for one answer, one purpose and whoever asked. */
import { randomBytes } from 'node:crypto';
import type { Services } from '#kernel/app';
import { newId } from '#kernel/ids';
import { internalsOf } from '../create-identity.ts';
import { hashToken } from '../session-cookie.ts';

/** Long enough for a phone that has to be found; the sign-in page asks anew before. */
export const challengeSeconds = 600;

/** PasskeyQuestion is what an answer is good for. */
export interface PasskeyQuestion {
  readonly purpose: 'register' | 'sign-in' | 'second-factor' | 'step-up';
  /** Who must bring the answer: `session:<id>`, `challenge:<id>` or `browser:<hash>`. */
  readonly holder: string;
  /** Whose passkey may answer; null for anybody's. */
  readonly userId: string | null;
}

/** askPasskey notes a new question and returns its text, base64url. */
export async function askPasskey(
  { db, identity }: Pick<Services, 'db' | 'identity'>,
  question: PasskeyQuestion,
): Promise<string> {
  const challenge = randomBytes(32).toString('base64url');
  const expiresAt = new Date(internalsOf(identity).now() + challengeSeconds * 1000);
  await db.withAuth((tx) =>
    tx.query({
      text: `insert into auth.passkey_challenges (id, user_id, challenge_hash, purpose, holder, expires_at)
             values ($1, $2, $3, $4, $5, $6)`,
      values: [newId(), question.userId, hashToken(challenge), question.purpose, question.holder, expiresAt],
    }),
  );
  return challenge;
}

/** useUpQuestion deletes the question that an answer names, whatever the answer is worth; false when there is none such. */
export async function useUpQuestion(
  { db, identity }: Pick<Services, 'db' | 'identity'>,
  question: PasskeyQuestion,
  challenge: string,
): Promise<boolean> {
  const rows = await db.withAuth((tx) =>
    tx.query({
      text: `delete from auth.passkey_challenges
             where challenge_hash = $1 and purpose = $2 and holder = $3 and user_id is not distinct from $4
               and expires_at > $5
             returning id`,
      values: [
        hashToken(challenge),
        question.purpose,
        question.holder,
        question.userId,
        new Date(internalsOf(identity).now()),
      ],
    }),
  );
  return rows.length > 0;
}

/** challengeIn reads which question an answer claims to answer, from its clientDataJSON (base64url); null for nonsense. */
export function challengeIn(clientDataJSON: string): string | null {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'));
    const challenge = (data as { challenge?: unknown } | null)?.challenge;
    return typeof challenge === 'string' ? challenge : null;
  } catch {
    return null; // not JSON, so no answer of a browser
  }
}
