/** The shape of encryption at rest (K9.1): AES-256-GCM under a per-tenant data key wrapped by the master key. */
import type { Tx } from '#kernel/db';

/** SecretPlace is where a ciphertext lives; it is bound into it, so that it opens nowhere else. */
export interface SecretPlace {
  readonly tenantId: string;
  /** `schema.table`. */
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
}

/**
 * SealedColumn declares a column that holds sealed texts. What is not declared cannot be sealed, so that a renewal of data
 * keys forgets no column; its migration says `kernel.protect_sealed_column`.
 */
export interface SealedColumn {
  /** `schema.table`. */
  readonly table: string;
  readonly column: string;
  /** The column, a UUID and unique, whose value is the row's id in its place. */
  readonly rowIdColumn: string;
  /** SQL for the organisation under whose key a row is sealed; the table is `t`. Rows where it is null are left alone. */
  readonly tenantOf: string;
  /** Which role may read and write it across organisations. */
  readonly door: 'system' | 'auth';
}

/** KeyRing is base64 keys of 32 bytes or more: the one that wraps, and those it replaced, which only decrypt. */
export interface KeyRing {
  readonly masterKey: string;
  readonly previousMasterKeys: readonly string[];
}

export interface SecretBox {
  /** Encrypts for one place; makes the tenant's data key on first use, in the caller's transaction. */
  seal(tx: Tx, place: SecretPlace, plaintext: string): Promise<string>;
  /**
   * Decrypts. Throws SECRET_UNREADABLE when the text is damaged, from another place, or its data key is gone, and
   * SECRET_KEY_MISSING when only this server lacks the master key.
   */
  open(tx: Tx, place: SecretPlace, ciphertext: string): Promise<string>;
}
