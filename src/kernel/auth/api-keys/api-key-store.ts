/** Rows of API keys; whoever revokes one tells every process in the same transaction. */
import type { Tx } from '#kernel/db';
import type { Role } from '../principal.ts';
import { announce } from '../session-store.ts';

export interface ApiKeyRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly user_id: string;
  readonly owner_name: string;
  /** What the maker is in the organisation now. */
  readonly role: Role;
  readonly name: string;
  readonly secret_hash: Buffer;
  readonly last_four: string;
  readonly scopes: readonly string[];
  readonly address_allow_list: readonly string[];
  readonly requests_per_minute: number;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
  readonly last_used_address: string | null;
  readonly created_at: Date;
}

const selectSql = `
  select k.id, k.tenant_id, k.user_id, u.name as owner_name, m.role, k.name, k.secret_hash, k.last_four, k.scopes,
    k.address_allow_list, k.requests_per_minute, k.expires_at, k.revoked_at, k.last_used_at, k.last_used_address, k.created_at
  from auth.api_keys k
  join auth.members m on m.tenant_id = k.tenant_id and m.user_id = k.user_id
  join auth.users u on u.id = k.user_id`;

/** findApiKey finds a key by the id that stands in it, with its maker's role of now. */
export async function findApiKey(tx: Tx, keyId: string): Promise<ApiKeyRow | null> {
  const [row] = await tx.query<ApiKeyRow>({
    name: 'auth-find-api-key',
    text: `${selectSql} where k.id = $1 and u.disabled_at is null`,
    values: [keyId],
  });
  return row ?? null;
}

/** Whose keys are meant: of one person, or (`userId` null) of everybody in the organisation. */
export interface KeyOwner {
  readonly tenantId: string;
  readonly userId: string | null;
}

/** listApiKeys lists keys newest first, from before the id `before` on. */
export function listApiKeys(tx: Tx, of: KeyOwner, before: string | null, limit: number): Promise<ApiKeyRow[]> {
  return tx.query<ApiKeyRow>({
    name: 'auth-list-api-keys',
    text: `${selectSql} where k.tenant_id = $1 and ($2::uuid is null or k.user_id = $2) and ($3::uuid is null or k.id < $3)
           order by k.id desc limit $4`,
    values: [of.tenantId, of.userId, before, limit],
  });
}

/** countActiveKeys counts what a person has in use, holding their membership so that two requests cannot both be the last. */
export async function countActiveKeys(tx: Tx, tenantId: string, userId: string, now: Date): Promise<number> {
  await tx.query({
    text: 'select 1 from auth.members where tenant_id = $1 and user_id = $2 for update',
    values: [tenantId, userId],
  });
  const [row] = await tx.query<{ count: number }>({
    text: `select count(*)::int as count from auth.api_keys
           where tenant_id = $1 and user_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3)`,
    values: [tenantId, userId, now],
  });
  return row?.count ?? 0;
}

export type NewApiKeyRow = Omit<ApiKeyRow, 'owner_name' | 'role' | 'revoked_at' | 'last_used_at' | 'last_used_address'>;

/** insertApiKey adds a key. */
export async function insertApiKey(tx: Tx, row: NewApiKeyRow): Promise<void> {
  await tx.query({
    text: `insert into auth.api_keys (id, tenant_id, user_id, name, secret_hash, last_four, scopes, address_allow_list,
             requests_per_minute, expires_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      row.id,
      row.tenant_id,
      row.user_id,
      row.name,
      row.secret_hash,
      row.last_four,
      row.scopes,
      row.address_allow_list,
      row.requests_per_minute,
      row.expires_at,
      row.created_at,
    ],
  });
}

/** renameApiKey is false when the person, or the organisation, has no such key. */
export async function renameApiKey(tx: Tx, of: KeyOwner, keyId: string, name: string): Promise<boolean> {
  const rows = await tx.query({
    text: `update auth.api_keys set name = $4
           where id = $1 and tenant_id = $2 and ($3::uuid is null or user_id = $3) returning id`,
    values: [keyId, of.tenantId, of.userId, name],
  });
  return rows.length > 0;
}

/** revokeApiKey is `unknown` when there is no such key, `again` when it was revoked before. */
export async function revokeApiKey(
  tx: Tx,
  of: KeyOwner,
  keyId: string,
  now: Date,
): Promise<'revoked' | 'again' | 'unknown'> {
  const [row] = await tx.query<{ is_first: boolean }>({
    text: `update auth.api_keys k set revoked_at = coalesce(k.revoked_at, $4)
           from (select id, revoked_at from auth.api_keys
                 where id = $1 and tenant_id = $2 and ($3::uuid is null or user_id = $3) for update) before
           where k.id = before.id returning before.revoked_at is null as is_first`,
    values: [keyId, of.tenantId, of.userId, now],
  });
  if (!row) return 'unknown';
  if (!row.is_first) return 'again';
  await announce(tx, `key:${keyId}`);
  return 'revoked';
}

/** touchApiKey records a use; at most once a minute per key, however many processes see it. */
export async function touchApiKey(tx: Tx, keyId: string, address: string | undefined, now: Date): Promise<void> {
  await tx.query({
    name: 'auth-touch-api-key',
    text: `update auth.api_keys set last_used_at = $3, last_used_address = $2
           where id = $1 and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')`,
    values: [keyId, address ?? null, now],
  });
}
