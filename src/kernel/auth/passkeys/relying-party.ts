/** Passkeys are bound to the host name people use: the one in PUBLIC_URL, or localhost while there is none. */
import { isIP } from 'node:net';
import type { Config } from '#kernel/config';
import type { RequestContext } from '#kernel/http';
import { authErrors } from '../errors.ts';

type Address = Pick<Config, 'publicUrl'>;

/** RelyingParty is this server as authenticators know it. */
export interface RelyingParty {
  /** The host name, which browsers compare with the page's. */
  readonly id: string;
  /** The page's origin must be exactly this. */
  readonly origin: string;
}

/** findPasskeyHost is the host name that passkeys are bound to; null where browsers allow none. */
export function findPasskeyHost({ publicUrl }: Address): string | null {
  if (publicUrl === undefined) return 'localhost';
  const { hostname, protocol } = new URL(publicUrl);
  if (isIP(hostname.replaceAll(/[[\]]/g, '')) !== 0) return null;
  return protocol === 'https:' || hostname === 'localhost' || hostname.endsWith('.localhost') ? hostname : null;
}

/**
 * readRelyingParty throws PASSKEY_HOST_UNFIT where there can be none. Without PUBLIC_URL the port is the one the
 * browser came by: another program on localhost shares the host name and must not be taken for this server.
 */
export function readRelyingParty(ctx: Pick<RequestContext, 'services' | 'headers'>): RelyingParty {
  const { publicUrl } = ctx.services.config;
  const id = findPasskeyHost({ publicUrl });
  if (id === null) throw authErrors.PASSKEY_HOST_UNFIT();
  if (publicUrl !== undefined) return { id, origin: new URL(publicUrl).origin };
  const origin = `http://${ctx.headers['host'] ?? ''}`;
  if (!URL.canParse(origin) || new URL(origin).hostname !== id) throw authErrors.PASSKEY_HOST_UNFIT();
  return { id, origin: new URL(origin).origin };
}
