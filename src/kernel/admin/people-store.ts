/** Accounts as who runs the server sees them: names, addresses, ways to sign in and times, never what people keep. */
import type { Role } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import type { PersonSummary } from './contract.ts';

export interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly username: string | null;
  readonly is_operator: boolean;
  readonly disabled_at: Date | null;
  readonly created_at: Date;
  readonly last_seen_at: Date | null;
  readonly sessions: number;
}

const personSql = `
  select u.id, u.name, u.email, u.email_verified, u.username, u.is_operator, u.disabled_at, u.created_at,
    s.sessions + f.devices as sessions, greatest(s.last_used_at, f.last_used_at) as last_seen_at
  from auth.users u
  cross join lateral (select count(*)::int as sessions, max(last_used_at) as last_used_at
    from auth.sessions where user_id = u.id and expires_at > now()) s
  cross join lateral (select count(*)::int as devices, max(last_used_at) as last_used_at
    from auth.token_families where user_id = u.id and expires_at > now()) f`;

/** toPerson shows an account; `me` is who asks. */
export function toPerson(row: PersonRow, me: string): PersonSummary {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    isEmailVerified: row.email_verified,
    isOperator: row.is_operator,
    isMe: row.id === me,
    disabledAt: row.disabled_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    lastSeenAt: row.last_seen_at?.toISOString() ?? null,
    sessions: row.sessions,
  };
}

export interface PeopleFilter {
  readonly pattern: string | null;
  readonly only: 'operators' | 'disabled' | null;
  readonly before: string | null;
  readonly limit: number;
}

/** listPeople lists accounts newest first. */
export function listPeople(tx: Tx, { before, limit, only, pattern }: PeopleFilter): Promise<PersonRow[]> {
  return tx.query<PersonRow>({
    text: `${personSql} where ($1::uuid is null or u.id < $1)
           and ($2::text is null or u.name ilike $2 or u.email ilike $2 or u.username ilike $2)
           and ($3::text is null or case $3 when 'operators' then u.is_operator else u.disabled_at is not null end)
           order by u.id desc limit $4`,
    values: [before, pattern, only, limit],
  });
}

/** findPerson reads one account, or null. */
export async function findPerson(tx: Tx, personId: string): Promise<PersonRow | null> {
  const [row] = await tx.query<PersonRow>({ text: `${personSql} where u.id = $1`, values: [personId] });
  return row ?? null;
}

/** homeOf is the organisation whose trail tells a person what was done to their account, or null. */
export async function homeOf(tx: Tx, personId: string): Promise<string | null> {
  const [row] = await tx.query<{ id: string }>({
    text: 'select id from auth.organizations where personal_user_id = $1',
    values: [personId],
  });
  return row?.id ?? null;
}

/** listMemberships reads where a person belongs. */
export function listMemberships(tx: Tx, personId: string) {
  return tx.query<{ id: string; name: string; is_personal: boolean; role: Role }>({
    text: `select o.id, o.name, o.personal_user_id is not null as is_personal, m.role
           from auth.members m join auth.organizations o on o.id = m.tenant_id
           where m.user_id = $1 order by m.tenant_id limit 200`,
    values: [personId],
  });
}

interface MeansRow {
  readonly has_password: boolean;
  readonly passkeys: number;
  readonly has_authenticator: boolean;
  readonly providers: string[] | null;
  readonly api_keys: number;
}

/** readMeans says how a person can sign in; of none of it more than that it is there. */
export async function readMeans(tx: Tx, personId: string) {
  const [row] = await tx.query<MeansRow>({
    text: `select
      exists (select from auth.accounts where user_id = $1 and provider_id = 'credential' and password is not null) as has_password,
      (select count(*)::int from auth.passkeys where user_id = $1) as passkeys,
      exists (select from auth.second_factors where user_id = $1 and totp_confirmed_at is not null) as has_authenticator,
      (select array_agg(distinct provider_id order by provider_id) from auth.accounts
       where user_id = $1 and provider_id <> 'credential') as providers,
      (select count(*)::int from auth.api_keys where user_id = $1 and revoked_at is null) as api_keys`,
    values: [personId],
  });
  return {
    password: row?.has_password ?? false,
    passkeys: row?.passkeys ?? 0,
    authenticator: row?.has_authenticator ?? false,
    providers: row?.providers ?? [],
    apiKeys: row?.api_keys ?? 0,
  };
}
