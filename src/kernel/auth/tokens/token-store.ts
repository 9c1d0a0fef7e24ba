/** Rows of devices and their token pairs; whoever ends a device tells every process in the same transaction. */
import type { Tx } from '#kernel/db';
import type { Role } from '../principal.ts';
import { announce } from '../session-store.ts';

/** FamilyRow is one signed-in device. */
export interface FamilyRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly user_id: string;
  readonly device_name: string;
  readonly expires_at: Date;
}

export interface PairRow {
  readonly id: string;
  readonly family_id: string;
  readonly access_hash: Buffer;
  readonly access_expires_at: Date;
  readonly refresh_hash: Buffer;
  readonly refresh_expires_at: Date;
  readonly rotated_at: Date | null;
  readonly successor_id: string | null;
  readonly successor_seed: Buffer | null;
}

export interface AccessRow {
  readonly family_id: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly role: Role;
  readonly access_hash: Buffer;
  readonly access_expires_at: Date;
}

/** findAccess finds what an access token stands for by its id, with the person's role of now. */
export async function findAccess(tx: Tx, pairId: string): Promise<AccessRow | null> {
  const [row] = await tx.query<AccessRow>({
    name: 'auth-find-access-token',
    text: `select p.family_id, f.user_id, f.tenant_id, m.role, p.access_hash, p.access_expires_at
           from auth.token_pairs p join auth.token_families f on f.id = p.family_id
           join auth.members m on m.tenant_id = f.tenant_id and m.user_id = f.user_id
           join auth.users u on u.id = f.user_id and u.disabled_at is null
           where p.id = $1`,
    values: [pairId],
  });
  return row ?? null;
}

/**
 * lockPair finds a pair with its device and holds the device, so that refreshes of one device take turns; none for an account
 * that is switched off.
 */
export async function lockPair(
  tx: Tx,
  pairId: string,
): Promise<{ readonly pair: PairRow; readonly family: FamilyRow } | null> {
  const [family] = await tx.query<FamilyRow>({
    text: `select f.id, f.tenant_id, f.user_id, f.device_name, f.expires_at
           from auth.token_families f join auth.token_pairs p on p.family_id = f.id
           join auth.users u on u.id = f.user_id and u.disabled_at is null
           where p.id = $1 for update of f`,
    values: [pairId],
  });
  const pair = family && (await findPair(tx, pairId));
  return family && pair ? { family, pair } : null;
}

/** findPair reads one pair. */
export async function findPair(tx: Tx, pairId: string): Promise<PairRow | null> {
  const [row] = await tx.query<PairRow>({ text: 'select * from auth.token_pairs where id = $1', values: [pairId] });
  return row ?? null;
}

/** insertFamily adds a device. Throws when its person is no member. */
export async function insertFamily(
  tx: Tx,
  row: FamilyRow & { readonly address: string; readonly now: Date },
): Promise<void> {
  await tx.query({
    text: `insert into auth.token_families (id, tenant_id, user_id, device_name, ip_address, last_used_at, expires_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $6)`,
    values: [row.id, row.tenant_id, row.user_id, row.device_name, row.address, row.now, row.expires_at],
  });
}

/** insertPair adds the newest pair of a device. */
export async function insertPair(
  tx: Tx,
  row: Omit<PairRow, 'rotated_at' | 'successor_id' | 'successor_seed'> & { readonly now: Date },
): Promise<void> {
  await tx.query({
    text: `insert into auth.token_pairs (id, family_id, access_hash, access_expires_at, refresh_hash, refresh_expires_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      row.id,
      row.family_id,
      row.access_hash,
      row.access_expires_at,
      row.refresh_hash,
      row.refresh_expires_at,
      row.now,
    ],
  });
}

/** markRotated notes what replaced a pair, and erases the seeds of the pairs before it. */
export async function markRotated(
  tx: Tx,
  pair: PairRow,
  successor: { readonly id: string; readonly seed: Buffer },
  use: { readonly now: Date; readonly address: string },
): Promise<void> {
  await tx.query({
    text: 'update auth.token_pairs set successor_seed = null where family_id = $1 and successor_seed is not null',
    values: [pair.family_id],
  });
  await tx.query({
    text: 'update auth.token_pairs set rotated_at = $2, successor_id = $3, successor_seed = $4 where id = $1',
    values: [pair.id, use.now, successor.id, successor.seed],
  });
  await tx.query({
    text: 'update auth.token_families set last_used_at = $2, ip_address = $3 where id = $1',
    values: [pair.family_id, use.now, use.address],
  });
}

/** endFamily signs a device out; false when the person has no such device. */
export async function endFamily(tx: Tx, userId: string, familyId: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'delete from auth.token_families where id = $1 and user_id = $2 returning id',
    values: [familyId, userId],
  });
  if (rows.length > 0) await announce(tx, `family:${familyId}`);
  return rows.length > 0;
}
