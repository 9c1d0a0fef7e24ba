/** The token of an invitation stays behind the # and in this tab's memory; it is never part of an address that is sent. */

const storageKey = 'bulkhead.invitation';

/** readInvitationToken takes the token of the address, else the one this tab came with before signing in; null without. */
export function readInvitationToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  try {
    if (given) sessionStorage.setItem(storageKey, given);
    return given ?? sessionStorage.getItem(storageKey);
  } catch {
    return given; // storage is blocked: the link has to be opened again after signing in
  }
}

/** forgetInvitationToken is called once it was used. */
export function forgetInvitationToken(): void {
  try {
    sessionStorage.removeItem(storageKey);
  } catch {
    // storage is blocked, so nothing was kept
  }
}
