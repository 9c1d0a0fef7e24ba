/** The secret shared with an authenticator app, sealed at rest; a code of a step is taken once, whoever comes first. */
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { placeIn, type SecretPlace } from '#kernel/secrets';
import { totpColumn } from '../sealed-columns.ts';

/** StoredTotp is a person's secret as it lies in the table. */
export interface StoredTotp {
  readonly userId: string;
  /** The personal organisation, whose key seals it. */
  readonly tenantId: string;
  readonly sealed: string;
  /** When the row was last changed; sealing the same secret anew leaves it as it is. */
  readonly changedAt: string;
  readonly isConfirmed: boolean;
}

type TotpServices = Pick<Services, 'db' | 'secrets'>;

function placeOf(userId: string, tenantId: string): SecretPlace {
  return placeIn(totpColumn, tenantId, userId);
}

/** sealTotp seals a new secret in a transaction of its own: data keys are for the organisation's role alone. */
export async function sealTotp({ db, secrets }: TotpServices, userId: string, secret: string): Promise<string> {
  const tenantId = await db.withAuth((tx) => readPersonalTenant(tx, userId));
  return db.withTenant({ tenantId }, (tx) => secrets.seal(tx, placeOf(userId, tenantId), secret));
}

/** openTotp gives the secret back, likewise. */
export function openTotp({ db, secrets }: TotpServices, { userId, tenantId, sealed }: StoredTotp): Promise<string> {
  return db.withTenant({ tenantId }, (tx) => secrets.open(tx, placeOf(userId, tenantId), sealed));
}

async function readPersonalTenant(tx: Tx, userId: string): Promise<string> {
  const [row] = await tx.query<{ id: string }>({
    text: 'select id from auth.organizations where personal_user_id = $1',
    values: [userId],
  });
  if (!row) throw new Error(`user ${userId} has no personal organisation`);
  return row.id;
}

/** readTotp returns the stored secret, confirmed or not, or null. */
export async function readTotp(tx: Tx, userId: string): Promise<StoredTotp | null> {
  const [row] = await tx.query<{ tenant_id: string; totp_secret: string; changed_at: string; is_confirmed: boolean }>({
    text: `select o.id as tenant_id, f.totp_secret, f.updated_at::text as changed_at,
             f.totp_confirmed_at is not null as is_confirmed
           from auth.second_factors f join auth.organizations o on o.personal_user_id = f.user_id
           where f.user_id = $1 and f.totp_secret is not null`,
    values: [userId],
  });
  if (!row) return null;
  const { tenant_id: tenantId, totp_secret: sealed, changed_at: changedAt, is_confirmed: isConfirmed } = row;
  return { userId, tenantId, sealed, changedAt, isConfirmed };
}

/** beginTotp stores a secret that is not asked for yet; false when a confirmed one is there. */
export async function beginTotp(tx: Tx, userId: string, sealed: string): Promise<boolean> {
  const rows = await tx.query({
    text: `insert into auth.second_factors as f (user_id, totp_secret) values ($1, $2)
           on conflict (user_id) do update set totp_secret = excluded.totp_secret, totp_last_step = null,
             updated_at = now()
           where f.totp_confirmed_at is null returning user_id`,
    values: [userId, sealed],
  });
  return rows.length > 0;
}

/** confirmTotp makes the secret count from now on and uses its first code up; false when it was replaced or confirmed meanwhile. */
export async function confirmTotp(tx: Tx, { userId, changedAt }: StoredTotp, step: number): Promise<boolean> {
  const rows = await tx.query({
    text: `update auth.second_factors set totp_confirmed_at = now(), totp_last_step = $3, updated_at = now()
           where user_id = $1 and updated_at = $2 and totp_secret is not null and totp_confirmed_at is null returning user_id`,
    values: [userId, changedAt, step],
  });
  return rows.length > 0;
}

/** spendStep takes the code of a step, in one statement: of two that bring it at once, one gets true. */
export async function spendStep(tx: Tx, { userId, changedAt }: StoredTotp, step: number): Promise<boolean> {
  const rows = await tx.query({
    text: `update auth.second_factors set totp_last_step = $3
           where user_id = $1 and updated_at = $2 and totp_confirmed_at is not null
             and (totp_last_step is null or totp_last_step < $3) returning user_id`,
    values: [userId, changedAt, step],
  });
  return rows.length > 0;
}

/** removeTotp forgets the secret, also one that was never confirmed; false when there was no confirmed one. */
export async function removeTotp(tx: Tx, userId: string): Promise<boolean> {
  const rows = await tx.query({
    text: `update auth.second_factors set totp_secret = null, totp_confirmed_at = null, totp_last_step = null,
             updated_at = now()
           where user_id = $1 and totp_confirmed_at is not null returning user_id`,
    values: [userId],
  });
  return rows.length > 0;
}
