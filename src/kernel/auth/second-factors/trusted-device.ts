/** A browser that the person trusts skips the second step for thirty days; never the first, and only for that person. */
import { randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import type { RequestContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { internalsOf } from '../create-identity.ts';
import { findCookie, hashToken, hostCookie } from '../session-cookie.ts';

const deviceCookieName = '__Host-bulkhead_device';
const deviceSeconds = 30 * 86_400;

type DeviceContext = Pick<RequestContext, 'services' | 'headers' | 'address' | 'userAgent'>;

/** useTrustedDevice tells whether the browser's cookie spares this person the second step, and notes the use. */
export async function useTrustedDevice(ctx: DeviceContext, tx: Tx, userId: string): Promise<boolean> {
  const token = findCookie(ctx.headers['cookie'], deviceCookieName);
  if (token === null) return false;
  const now = new Date(internalsOf(ctx.services.identity).now());
  const rows = await tx.query({
    text: `update auth.trusted_devices set last_used_at = $3, ip_address = $4
           where token_hash = $1 and user_id = $2 and expires_at > $3 returning id`,
    values: [hashToken(token), userId, now, ctx.address],
  });
  return rows.length > 0;
}

/** trustDevice begins the thirty days; returns the Set-Cookie. */
export async function trustDevice(ctx: DeviceContext, tx: Tx, userId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const time = internalsOf(ctx.services.identity).now();
  await tx.query({
    text: `insert into auth.trusted_devices (id, user_id, token_hash, ip_address, user_agent, last_used_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      newId(),
      userId,
      hashToken(token),
      ctx.address,
      ctx.userAgent,
      new Date(time),
      new Date(time + deviceSeconds * 1000),
    ],
  });
  return hostCookie(deviceCookieName, token, deviceSeconds);
}

/** forgetDevices ends all trust of a person, as each change of password or factor does; returns how many there were. */
export async function forgetDevices(tx: Tx, userId: string): Promise<number> {
  const rows = await tx.query({
    text: 'delete from auth.trusted_devices where user_id = $1 returning id',
    values: [userId],
  });
  return rows.length;
}

/** forgetDevice ends the trust in one browser of a person; false when there is no such one of theirs. */
export async function forgetDevice(tx: Tx, userId: string, deviceId: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'delete from auth.trusted_devices where id = $1 and user_id = $2 returning id',
    values: [deviceId, userId],
  });
  return rows.length > 0;
}

export interface TrustedDeviceRow {
  id: string;
  user_agent: string | null;
  ip_address: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

/** listDevices gives a person's trusted browsers, newest first, from before the id `before` on. */
export function listDevices(
  tx: Tx,
  userId: string,
  { before, now, limit }: { before: string | null; now: Date; limit: number },
): Promise<TrustedDeviceRow[]> {
  return tx.query<TrustedDeviceRow>({
    text: `select id, user_agent, ip_address, created_at, last_used_at, expires_at from auth.trusted_devices
           where user_id = $1 and ($2::uuid is null or id < $2) and expires_at > $3 order by id desc limit $4`,
    values: [userId, before, now, limit],
  });
}
