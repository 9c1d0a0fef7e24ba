/** Rows of passkeys; a use counts only when the authenticator's counter has not been seen before. */
import type { Tx } from '#kernel/db';

export interface PasskeyRow {
  readonly id: string;
  readonly user_id: string;
  readonly credential_id: string;
  readonly public_key: Buffer;
  /** bigint, as text. */
  readonly counter: string;
  readonly transports: string[];
  readonly is_synced: boolean;
  readonly name: string;
  readonly last_used_at: Date | null;
  readonly created_at: Date;
}

const columns =
  'id, user_id, credential_id, public_key, counter, transports, is_synced, name, last_used_at, created_at';

/** findPasskey finds a passkey by the authenticator's name for it, or null. */
export async function findPasskey(tx: Tx, credentialId: string): Promise<PasskeyRow | null> {
  const [row] = await tx.query<PasskeyRow>({
    text: `select ${columns} from auth.passkeys where credential_id = $1`,
    values: [credentialId],
  });
  return row ?? null;
}

/** listPasskeys gives a person's passkeys, newest first, from before the id `before` on. */
export function listPasskeys(tx: Tx, userId: string, before: string | null, limit: number): Promise<PasskeyRow[]> {
  return tx.query<PasskeyRow>({
    text: `select ${columns} from auth.passkeys where user_id = $1 and ($2::uuid is null or id < $2)
           order by id desc limit $3`,
    values: [userId, before, limit],
  });
}

/** NewPasskey is what registration has shown. */
export interface NewPasskey {
  readonly id: string;
  readonly userId: string;
  readonly credentialId: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly isSynced: boolean;
  readonly aaguid: string | null;
  readonly name: string;
}

/** insertPasskey returns false when the credential is registered already, by whomever. */
export async function insertPasskey(tx: Tx, passkey: NewPasskey): Promise<PasskeyRow | null> {
  const [row] = await tx.query<PasskeyRow>({
    text: `insert into auth.passkeys
             (id, user_id, credential_id, public_key, counter, transports, is_synced, aaguid, name)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (credential_id) do nothing returning ${columns}`,
    values: [
      passkey.id,
      passkey.userId,
      passkey.credentialId,
      Buffer.from(passkey.publicKey),
      passkey.counter,
      passkey.transports,
      passkey.isSynced,
      passkey.aaguid,
      passkey.name,
    ],
  });
  return row ?? null;
}

/** PasskeyUse is a signature that was found to be right. */
export interface PasskeyUse {
  readonly passkeyId: string;
  readonly counter: number;
  readonly isSynced: boolean;
  readonly usedAt: Date;
}

/**
 * usePasskey notes a use, in one statement. False when the passkey was removed, or when its counter did not grow: two
 * devices then hold what should be in one (authenticators without a counter always say 0).
 */
export async function usePasskey(tx: Tx, use: PasskeyUse): Promise<boolean> {
  const rows = await tx.query({
    text: `update auth.passkeys set counter = $2, is_synced = $3, last_used_at = $4
           where id = $1 and (counter < $2 or (counter = 0 and $2 = 0)) returning id`,
    values: [use.passkeyId, use.counter, use.isSynced, use.usedAt],
  });
  return rows.length > 0;
}

/** renamePasskey returns null when there is no such passkey of theirs. */
export async function renamePasskey(tx: Tx, userId: string, id: string, name: string): Promise<PasskeyRow | null> {
  const [row] = await tx.query<PasskeyRow>({
    text: `update auth.passkeys set name = $3 where id = $1 and user_id = $2 returning ${columns}`,
    values: [id, userId, name],
  });
  return row ?? null;
}

/** removePasskey returns false when there is no such passkey of theirs. */
export async function removePasskey(tx: Tx, userId: string, id: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'delete from auth.passkeys where id = $1 and user_id = $2 returning id',
    values: [id, userId],
  });
  return rows.length > 0;
}
