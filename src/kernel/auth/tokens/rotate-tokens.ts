/**
 * A refresh token is good once (RFC 9700, 4.14.2). Used again, it tells of a theft, and nobody knows whether by the thief
 * or by the robbed: the device is signed out. Only the same request, repeated within seconds because its answer was lost
 * or it was sent twice, gets the same answer again; whoever else got hold of the token by then is found out when the
 * successor is used for the second time, so the moment gives a thief nothing that lasts.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { formatToken, hashSecret, isSecret, newSecret } from '../bearer-token.ts';
import { endFamily, findPair, insertPair, lockPair, markRotated, type FamilyRow, type PairRow } from './token-store.ts';

/** How long a used refresh token still gives the answer it gave. */
const repeatMilliseconds = 10_000;

/** Lifetimes are in milliseconds. */
export interface Lifetimes {
  readonly access: number;
  /** How long after its access token a refresh token still counts. */
  readonly refresh: number;
}

export interface IssuedTokens {
  readonly family: FamilyRow;
  readonly accessToken: string;
  readonly accessExpiresAt: Date;
  readonly refreshToken: string;
  readonly refreshExpiresAt: Date;
}

interface Secrets {
  readonly access: string;
  readonly refresh: string;
}

function describe(
  family: FamilyRow,
  pair: Pick<PairRow, 'id' | 'access_expires_at' | 'refresh_expires_at'>,
  secrets: Secrets,
): IssuedTokens {
  return {
    family,
    accessToken: formatToken('bat', pair.id, secrets.access),
    accessExpiresAt: pair.access_expires_at,
    refreshToken: formatToken('brt', pair.id, secrets.refresh),
    refreshExpiresAt: pair.refresh_expires_at,
  };
}

/** issuePair adds a pair to a device; no token outlives the device's own end. */
export async function issuePair(
  tx: Tx,
  family: FamilyRow,
  now: number,
  lifetimes: Lifetimes,
  secrets: Secrets = { access: newSecret(), refresh: newSecret() },
  id = newId(),
): Promise<IssuedTokens> {
  const end = family.expires_at.getTime();
  const accessEnd = Math.min(now + lifetimes.access, end);
  const pair = {
    id,
    family_id: family.id,
    access_hash: hashSecret(secrets.access),
    access_expires_at: new Date(accessEnd),
    refresh_hash: hashSecret(secrets.refresh),
    refresh_expires_at: new Date(Math.min(accessEnd + lifetimes.refresh, end)),
  };
  await insertPair(tx, { ...pair, now: new Date(now) });
  return describe(family, pair, secrets);
}

/**
 * deriveSecrets makes the successor's secrets from the used token's secret and a random seed: only both together give
 * them again. The seed is in the database until the next rotation, the used token only with who brought it.
 */
function deriveSecrets(usedSecret: string, seed: Buffer, successorId: string): Secrets {
  const derive = (kind: string): string =>
    createHmac('sha256', usedSecret).update(`${kind} ${successorId} `).update(seed).digest('base64url');
  return { access: derive('access'), refresh: derive('refresh') };
}

async function repeatAnswer(
  tx: Tx,
  family: FamilyRow,
  pair: PairRow,
  usedSecret: string,
): Promise<IssuedTokens | null> {
  if (!pair.successor_id || !pair.successor_seed) return null;
  const successor = await findPair(tx, pair.successor_id);
  // A successor that was used proves that its device has it, so this is somebody else.
  if (!successor || successor.rotated_at) return null;
  const secrets = deriveSecrets(usedSecret, pair.successor_seed, successor.id);
  return isSecret(secrets.refresh, successor.refresh_hash) ? describe(family, successor, secrets) : null;
}

export type Rotation =
  | { readonly kind: 'rotated' | 'repeated'; readonly tokens: IssuedTokens }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'reused'; readonly family: FamilyRow };

/** rotateTokens exchanges a refresh token. The caller commits whatever comes out: `reused` has signed the device out. */
export async function rotateTokens(
  tx: Tx,
  { id, secret }: { readonly id: string; readonly secret: string },
  lifetimes: Lifetimes,
  use: { readonly now: number; readonly address: string },
): Promise<Rotation> {
  const found = await lockPair(tx, id);
  if (!found || !isSecret(secret, found.pair.refresh_hash)) return { kind: 'unknown' };
  const { pair, family } = found;
  if (pair.rotated_at) {
    const isSoon = use.now - pair.rotated_at.getTime() <= repeatMilliseconds;
    const tokens = isSoon ? await repeatAnswer(tx, family, pair, secret) : null;
    if (tokens) return { kind: 'repeated', tokens };
    await endFamily(tx, family.user_id, family.id);
    return { kind: 'reused', family };
  }
  if (pair.refresh_expires_at.getTime() <= use.now) return { kind: 'expired' };
  const successor = { id: newId(), seed: randomBytes(32) };
  const secrets = deriveSecrets(secret, successor.seed, successor.id);
  const tokens = await issuePair(tx, family, use.now, lifetimes, secrets, successor.id);
  await markRotated(tx, pair, successor, { now: new Date(use.now), address: use.address });
  return { kind: 'rotated', tokens };
}
