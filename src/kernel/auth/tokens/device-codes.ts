/**
 * A person who is signed in in their browser, by whatever way that asks of them, lets an app sign in as them: the browser
 * carries a code to the app, and only the app that began (RFC 7636) exchanges it, once, within a minute.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import type { RequestContext, SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { formatToken, hashSecret, isSecret, newSecret, parseToken } from '../bearer-token.ts';
import { authErrors } from '../errors.ts';
import { isSwitchedOff } from '../switched-off.ts';
import type { tokensContract } from './contract.ts';
import type { IssuedTokens, Lifetimes } from './rotate-tokens.ts';
import { openDevice } from './sign-in-device.ts';

type Consent = z.output<(typeof tokensContract)['POST /auth/device-codes']['body']>;
type Exchange = z.output<(typeof tokensContract)['POST /auth/token/exchange']['body']>;

const codeMilliseconds = 60_000;

/**
 * isAppAddress follows RFC 8252: a loopback address, or a scheme that is a domain name reversed. Nothing on the web: a
 * site could otherwise have people's codes sent to itself. `localhost` is left out, because a name can be made to point
 * elsewhere.
 */
export function isAppAddress(uri: string): boolean {
  if (!URL.canParse(uri) || /[\s#\\]/.test(uri)) return false;
  const { protocol, hostname, username, password } = new URL(uri);
  if (username !== '' || password !== '') return false;
  if (protocol === 'http:') return hostname === '127.0.0.1' || hostname === '[::1]';
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/.test(protocol);
}

/** createDeviceCode notes the consent and returns where the browser goes. Throws REDIRECT_REFUSED. */
export async function createDeviceCode(ctx: SignedInContext, input: Consent): Promise<string> {
  const { principal, services } = ctx;
  if (!isAppAddress(input.redirectUri)) throw authErrors.REDIRECT_REFUSED();
  const id = newId();
  const secret = newSecret();
  const now = services.identity.now();
  await services.db.withAuth(async (tx) => {
    await tx.query({
      text: `insert into auth.device_codes
               (id, tenant_id, user_id, secret_hash, challenge, redirect_uri, device_name, expires_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      values: [
        id,
        principal.tenantId,
        principal.userId,
        hashSecret(secret),
        input.codeChallenge,
        input.redirectUri,
        input.deviceName,
        new Date(now + codeMilliseconds),
        new Date(now),
      ],
    });
    await ctx.audit(tx, { action: 'auth.device-code.create', resource: `device-code:${id}` });
  });
  const target = new URL(input.redirectUri);
  target.searchParams.set('code', formatToken('bac', id, secret));
  if (input.state !== undefined) target.searchParams.set('state', input.state);
  return target.href;
}

interface CodeRow {
  user_id: string;
  tenant_id: string;
  secret_hash: Buffer;
  challenge: string;
  redirect_uri: string;
  device_name: string;
  expires_at: Date;
}

function fitsChallenge(verifier: string, challenge: string): boolean {
  const given = Buffer.from(createHash('sha256').update(verifier).digest('base64url'));
  const expected = Buffer.from(challenge);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** useDeviceCode uses the code up, whether it fits or not, and opens the device. Throws DEVICE_CODE_INVALID. */
export async function useDeviceCode(ctx: RequestContext, input: Exchange, lifetimes: Lifetimes): Promise<IssuedTokens> {
  const { db, identity } = ctx.services;
  const parts = parseToken('bac', input.code);
  const tokens =
    parts &&
    (await db.withAuth(async (tx) => {
      const [row] = await tx.query<CodeRow>({
        text: `delete from auth.device_codes where id = $1 and secret_hash = $2
               returning user_id, tenant_id, secret_hash, challenge, redirect_uri, device_name, expires_at`,
        values: [parts.id, hashSecret(parts.secret)],
      });
      const fits =
        row !== undefined &&
        isSecret(parts.secret, row.secret_hash) &&
        fitsChallenge(input.codeVerifier, row.challenge) &&
        row.redirect_uri === input.redirectUri &&
        row.expires_at.getTime() > identity.now();
      if (!fits || (await isSwitchedOff(tx, row.user_id))) return null;
      const device = { userId: row.user_id, tenantId: row.tenant_id, name: row.device_name };
      return openDevice(ctx, tx, device, lifetimes);
    }));
  if (!tokens) throw authErrors.DEVICE_CODE_INVALID();
  return tokens;
}
