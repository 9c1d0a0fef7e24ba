/** Tells addresses of this server from foreign ones. */

/** hostOf is the host an address leads to, or null for relative and unreadable ones. */
export function hostOf(address: string): string | null {
  try {
    return new URL(address).host || null;
  } catch {
    return null;
  }
}

/** isOurs is true for addresses that stay on this origin, whatever tricks they are written with (`//host`, `\\host`). */
export function isOurs(address: string): boolean {
  try {
    return new URL(address, location.href).origin === location.origin;
  } catch {
    return false;
  }
}
