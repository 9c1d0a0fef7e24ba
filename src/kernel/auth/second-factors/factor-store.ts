/** Reads and writes which second factors a person has; whoever changes them ends the trust in devices along with it. */
import type { Tx } from '#kernel/db';

/** SecondStepMethod is a way to do the second step of signing in. */
export type SecondStepMethod = 'totp' | 'passkey' | 'recovery-code';

/** Factors is what a person has set up. */
export interface Factors {
  readonly isTotpActive: boolean;
  /** A passkey is asked for after the first step. */
  readonly isPasskeyAsked: boolean;
  readonly passkeys: number;
  readonly recoveryCodesLeft: number;
  readonly hasPassword: boolean;
  /** Outside providers the person may sign in with. */
  readonly providers: number;
}

interface FactorsRow {
  is_totp_active: boolean;
  is_passkey_asked: boolean;
  passkeys: number;
  recovery_codes_left: number;
  has_password: boolean;
  providers: number;
}

/** readFactors needs the auth role. */
export async function readFactors(tx: Tx, userId: string): Promise<Factors> {
  const [row] = await tx.query<FactorsRow>({
    name: 'auth-read-factors',
    text: `select f.totp_confirmed_at is not null as is_totp_active, coalesce(f.is_passkey_asked, false) as is_passkey_asked,
             (select count(*)::int from auth.passkeys p where p.user_id = u.id) as passkeys,
             (select count(*)::int from auth.recovery_codes c where c.user_id = u.id and c.used_at is null)
               as recovery_codes_left,
             (select count(*)::int from auth.accounts a where a.user_id = u.id and a.provider_id <> 'credential')
               as providers,
             exists(select from auth.accounts a where a.user_id = u.id and a.provider_id = 'credential'
               and a.password is not null) as has_password
           from auth.users u left join auth.second_factors f on f.user_id = u.id where u.id = $1`,
    values: [userId],
  });
  if (!row) throw new Error(`there is no user ${userId}`);
  return {
    isTotpActive: row.is_totp_active,
    isPasskeyAsked: row.is_passkey_asked,
    passkeys: row.passkeys,
    recoveryCodesLeft: row.recovery_codes_left,
    hasPassword: row.has_password,
    providers: row.providers,
  };
}

/** secondStepMethods are the ways to do the second step, the handiest first; none when no second step is asked for. */
export function secondStepMethods(factors: Factors): SecondStepMethod[] {
  if (!factors.isTotpActive && !factors.isPasskeyAsked) return [];
  return [
    ...(factors.passkeys > 0 ? (['passkey'] as const) : []),
    ...(factors.isTotpActive ? (['totp'] as const) : []),
    ...(factors.recoveryCodesLeft > 0 ? (['recovery-code'] as const) : []),
  ];
}

/** askForPasskey sets whether a passkey is asked for after the first step. */
export async function askForPasskey(tx: Tx, userId: string, isAsked: boolean): Promise<void> {
  await tx.query({
    text: `insert into auth.second_factors (user_id, is_passkey_asked) values ($1, $2)
           on conflict (user_id) do update set is_passkey_asked = excluded.is_passkey_asked, updated_at = now()`,
    values: [userId, isAsked],
  });
}

/** lockFactors makes changes of one person's factors happen one after the other, so that each sees what is left. */
export async function lockFactors(tx: Tx, userId: string): Promise<void> {
  await tx.query({ text: 'select id from auth.users where id = $1 for no key update', values: [userId] });
}
