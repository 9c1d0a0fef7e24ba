/** An account that who runs the server has switched off opens nothing, whichever way somebody comes in. */
import type { Tx } from '#kernel/db';

/**
 * isSwitchedOff holds the account until the end of the transaction: whoever switches it off at this moment either comes
 * first and is seen, or finds what this transaction opens and ends it.
 */
export async function isSwitchedOff(tx: Tx, userId: string): Promise<boolean> {
  const [row] = await tx.query<{ is_off: boolean }>({
    name: 'auth-is-switched-off',
    text: 'select disabled_at is not null as is_off from auth.users where id = $1 for key share',
    values: [userId],
  });
  return row?.is_off ?? true;
}
