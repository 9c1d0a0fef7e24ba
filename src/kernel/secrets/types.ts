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

export interface SecretBox {
  /** Encrypts for one place; makes the tenant's data key on first use, in the caller's transaction. */
  seal(tx: Tx, place: SecretPlace, plaintext: string): Promise<string>;
  /** Decrypts. Throws SECRET_UNREADABLE when the text is damaged, from another place, or its key is gone. */
  open(tx: Tx, place: SecretPlace, ciphertext: string): Promise<string>;
}
