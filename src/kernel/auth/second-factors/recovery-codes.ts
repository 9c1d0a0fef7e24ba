/** Ten codes for the drawer: shown once, stored as hashes, each good for one sign-in. */
import { randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { hashToken } from '../session-cookie.ts';

const codeCount = 10;
/** Base 32 without the letters that are taken for digits or each other (Crockford). */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const codeLength = 16;

/** newRecoveryCode is 80 random bits as `xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCode(): string {
  const letters = Array.from(randomBytes(codeLength), (byte) => alphabet[byte & 31]).join('');
  return letters.replaceAll(/.{4}(?=.)/g, '$&-');
}

/** normalizeRecoveryCode undoes what people do to a code they type: capitals, blanks, dashes, o for 0 and i or l for 1. */
export function normalizeRecoveryCode(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .replaceAll('o', '0')
    .replaceAll(/[il]/g, '1');
}

/** hashRecoveryCode is the form in which a code is stored. */
export function hashRecoveryCode(code: string): string {
  return hashToken(normalizeRecoveryCode(code));
}

/** replaceRecoveryCodes makes a new set and ends the one before; the answer is the only place where the codes are. */
export async function replaceRecoveryCodes(tx: Tx, userId: string): Promise<string[]> {
  const codes = Array.from({ length: codeCount }, newRecoveryCode);
  await removeRecoveryCodes(tx, userId);
  await tx.query({
    text: `insert into auth.recovery_codes (id, user_id, code_hash)
           select id, $1, code_hash from unnest($2::uuid[], $3::text[]) as made (id, code_hash)`,
    values: [userId, codes.map(() => newId()), codes.map(hashRecoveryCode)],
  });
  return codes;
}

/** removeRecoveryCodes ends all of a person's codes. */
export async function removeRecoveryCodes(tx: Tx, userId: string): Promise<void> {
  await tx.query({ text: 'delete from auth.recovery_codes where user_id = $1', values: [userId] });
}

/** useRecoveryCode uses a code up, in one statement; returns how many are left, or null when it is no code that works. */
export async function useRecoveryCode(tx: Tx, userId: string, code: string): Promise<number | null> {
  const rows = await tx.query({
    text: `update auth.recovery_codes set used_at = now()
           where user_id = $1 and code_hash = $2 and used_at is null returning id`,
    values: [userId, hashRecoveryCode(code)],
  });
  if (rows.length === 0) return null;
  const [left] = await tx.query<{ count: number }>({
    text: 'select count(*)::int as count from auth.recovery_codes where user_id = $1 and used_at is null',
    values: [userId],
  });
  return left?.count ?? 0;
}
