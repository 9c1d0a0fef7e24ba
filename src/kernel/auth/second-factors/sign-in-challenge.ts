/**
 * A sign-in between its two steps: known by a cookie alone, good for ten minutes and five tries, for one browser. The
 * token stands in no body and, but for its hash, in no table.
 */
import { randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import type { RequestContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { addressKey } from '#kernel/limits';
import { internalsOf } from '../create-identity.ts';
import { findCookie, hashToken, hostCookie } from '../session-cookie.ts';

/** FirstMeans is how the first of two steps may be done. */
export type FirstMeans = 'password' | 'provider' | 'mail';

/** SignInChallenge is a first step that was done. */
export interface SignInChallenge {
  readonly id: string;
  readonly userId: string;
  readonly tenantId: string | null;
  /** The session at an organisation's provider that the first step came from. */
  readonly ssoSessionId: string | null;
  readonly means: FirstMeans;
  readonly expiresAt: Date;
  readonly triesLeft: number;
}

interface ChallengeRow {
  id: string;
  user_id: string;
  tenant_id: string | null;
  sso_session_id: string | null;
  means: FirstMeans;
  address_key: string;
  user_agent: string;
  tries: number;
  expires_at: Date;
}

type ChallengeContext = Pick<RequestContext, 'services' | 'headers' | 'address' | 'userAgent'>;

export const challengeCookieName = '__Host-bulkhead_second_step';
const challengeSeconds = 600;
/** Codes that may be tried per first step. */
export const maxTries = 5;

/** clearedChallengeCookie makes a browser forget the first step. */
export const clearedChallengeCookie = hostCookie(challengeCookieName, '', 0);

/** createChallenge notes that the first step is done, and gives the Set-Cookie that says so. */
export async function createChallenge(
  ctx: ChallengeContext,
  tx: Tx,
  first: Pick<SignInChallenge, 'userId' | 'tenantId' | 'ssoSessionId' | 'means'>,
): Promise<{ cookie: string; expiresAt: Date }> {
  const token = randomBytes(32).toString('base64url');
  const expiresAt = new Date(internalsOf(ctx.services.identity).now() + challengeSeconds * 1000);
  await tx.query({
    text: `insert into auth.sign_in_challenges
             (id, user_id, tenant_id, token_hash, means, address_key, user_agent, expires_at, sso_session_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      newId(),
      first.userId,
      first.tenantId,
      hashToken(token),
      first.means,
      addressKey(ctx.address),
      ctx.userAgent,
      expiresAt,
      first.ssoSessionId,
    ],
  });
  return { cookie: hostCookie(challengeCookieName, token, challengeSeconds), expiresAt };
}

const columns = 'id, user_id, tenant_id, sso_session_id, means, address_key, user_agent, tries, expires_at';

/** findChallenge returns the first step whose cookie the browser brings, or null when there is none that counts. */
export async function findChallenge(ctx: ChallengeContext, tx: Tx): Promise<SignInChallenge | null> {
  return readChallenge(
    ctx,
    tx,
    `select ${columns} from auth.sign_in_challenges where token_hash = $1 and expires_at > $2`,
  );
}

/**
 * takeTry counts a try, in one statement, before anything is compared; null when there is no challenge or no try left.
 * Call it in a transaction of its own: a refusal that rolled back would give the try back.
 */
export async function takeTry(ctx: ChallengeContext, tx: Tx): Promise<SignInChallenge | null> {
  return readChallenge(
    ctx,
    tx,
    `update auth.sign_in_challenges set tries = tries + 1
     where token_hash = $1 and expires_at > $2 and tries < ${maxTries} returning ${columns}`,
  );
}

async function readChallenge(ctx: ChallengeContext, tx: Tx, text: string): Promise<SignInChallenge | null> {
  const token = findCookie(ctx.headers['cookie'], challengeCookieName);
  if (token === null) return null;
  const now = new Date(internalsOf(ctx.services.identity).now());
  const [row] = await tx.query<ChallengeRow>({ text, values: [hashToken(token), now] });
  if (!row || !isSameBrowser(row, ctx)) return null;
  return {
    id: row.id,
    userId: row.user_id,
    tenantId: row.tenant_id,
    ssoSessionId: row.sso_session_id,
    means: row.means,
    expiresAt: row.expires_at,
    triesLeft: maxTries - row.tries,
  };
}

/** Phones change their network and browsers update themselves, but hardly both between two steps. */
function isSameBrowser(row: ChallengeRow, ctx: ChallengeContext): boolean {
  return row.user_agent === ctx.userAgent || row.address_key === addressKey(ctx.address);
}

/** useUpChallenge deletes it; false for whoever comes second, or when its five tries were wrong. */
export async function useUpChallenge(tx: Tx, challengeId: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'delete from auth.sign_in_challenges where id = $1 returning id',
    values: [challengeId],
  });
  return rows.length > 0;
}
