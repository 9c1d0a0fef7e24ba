/** Rows of provisioned people and groups. Every statement names the organisation: the directory of one sees no other. */
import type { Statement, Tx } from '#kernel/db';
import type { Condition } from './filter.ts';
import type { GroupDraft, UserDraft } from './patch.ts';

export interface ScimUserRow {
  readonly id: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly external_id: string | null;
  readonly display_name: string;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly is_active: boolean;
  readonly email: string;
  readonly groups: { readonly value: string; readonly display: string }[];
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface ScimGroupRow {
  readonly id: string;
  readonly display_name: string;
  readonly external_id: string | null;
  readonly members: { readonly value: string; readonly display: string }[];
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Window is which rows of a list are wanted. */
export interface Window {
  readonly offset: number;
  readonly limit: number;
  /** An expression of toOrder; null for the order in which rows were made. */
  readonly order: string | null;
}

const usersSql = `
  select s.id, s.user_id, s.user_name, s.external_id, s.display_name, s.given_name, s.family_name, s.is_active, u.email,
    s.created_at, s.updated_at, coalesce((
      select json_agg(json_build_object('value', g.id, 'display', g.display_name) order by g.id)
      from auth.scim_group_members m join auth.scim_groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
      where m.tenant_id = s.tenant_id and m.scim_user_id = s.id), '[]') as groups
  from auth.scim_users s join auth.users u on u.id = s.user_id where s.tenant_id = $1`;

const groupsSql = `
  select g.id, g.display_name, g.external_id, g.created_at, g.updated_at, coalesce((
      select json_agg(json_build_object('value', s.id, 'display', s.display_name) order by s.id)
      from auth.scim_group_members m join auth.scim_users s on s.tenant_id = m.tenant_id and s.id = m.scim_user_id
      where m.tenant_id = g.tenant_id and m.group_id = g.id), '[]') as members
  from auth.scim_groups g where g.tenant_id = $1`;

type Ask<Row> = (statement: Statement) => Promise<Row[]>;

async function list<Row>(tx: Tx, ask: Ask<Row>, sql: string, values: readonly unknown[], window: Window) {
  const counting = { text: `select count(*)::int as count from (${sql}) x`, values };
  const [count] = await tx.query<{ count: number }>(counting);
  // By id at last, so that pages never overlap.
  const order = window.order === null ? '1' : `${window.order}, 1`;
  const text = `${sql} order by ${order} offset ${Math.trunc(window.offset)} limit ${Math.trunc(window.limit)}`;
  return { rows: await ask({ text, values }), total: count?.count ?? 0 };
}

/** listUsers counts all that the filter lets through and reads a window of them. */
export function listUsers(tx: Tx, tenantId: string, condition: Condition | null, window: Window) {
  const ask: Ask<ScimUserRow> = (statement) => tx.query(statement);
  return list(tx, ask, filtered(usersSql, condition), [tenantId, ...(condition?.values ?? [])], window);
}

/** listGroups counts all that the filter lets through and reads a window of them. */
export function listGroups(tx: Tx, tenantId: string, condition: Condition | null, window: Window) {
  const ask: Ask<ScimGroupRow> = (statement) => tx.query(statement);
  return list(tx, ask, filtered(groupsSql, condition), [tenantId, ...(condition?.values ?? [])], window);
}

function filtered(sql: string, condition: Condition | null): string {
  return condition ? `${sql} and ${condition.sql}` : sql;
}

/** findUser reads one provisioned person. */
export async function findUser(tx: Tx, tenantId: string, id: string): Promise<ScimUserRow | null> {
  const [row] = await tx.query<ScimUserRow>({ text: `${usersSql} and s.id = $2`, values: [tenantId, id] });
  return row ?? null;
}

/** findGroup reads one group with its members. */
export async function findGroup(tx: Tx, tenantId: string, id: string): Promise<ScimGroupRow | null> {
  const [row] = await tx.query<ScimGroupRow>({ text: `${groupsSql} and g.id = $2`, values: [tenantId, id] });
  return row ?? null;
}

/** insertUser adds a person; a unique violation means that the directory has them already. */
export async function insertUser(
  tx: Tx,
  of: { readonly tenantId: string; readonly id: string; readonly userId: string; readonly now: Date },
  draft: UserDraft,
): Promise<void> {
  await tx.query({
    text: `insert into auth.scim_users (id, tenant_id, user_id, user_name, external_id, display_name, given_name, family_name,
             is_active, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
    values: [
      of.id,
      of.tenantId,
      of.userId,
      draft.userName,
      draft.externalId,
      draft.displayName,
      draft.givenName,
      draft.familyName,
      draft.isActive,
      of.now,
    ],
  });
}

/** updateUser writes what the directory decides. */
export async function updateUser(tx: Tx, tenantId: string, id: string, draft: UserDraft, now: Date): Promise<void> {
  await tx.query({
    text: `update auth.scim_users set user_name = $3, external_id = $4, display_name = $5, given_name = $6, family_name = $7,
             is_active = $8, updated_at = $9 where tenant_id = $1 and id = $2`,
    values: [
      tenantId,
      id,
      draft.userName,
      draft.externalId,
      draft.displayName,
      draft.givenName,
      draft.familyName,
      draft.isActive,
      now,
    ],
  });
}

/** deleteUser forgets that the directory knows the person. */
export async function deleteUser(tx: Tx, tenantId: string, id: string): Promise<void> {
  await tx.query({ text: 'delete from auth.scim_users where tenant_id = $1 and id = $2', values: [tenantId, id] });
}

/** saveGroup writes a group and its members, whether it is there already or not; ids of nobody are left out. */
export async function saveGroup(tx: Tx, tenantId: string, id: string, draft: GroupDraft, now: Date): Promise<void> {
  await tx.query({
    text: `insert into auth.scim_groups (id, tenant_id, display_name, external_id, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $5)
           on conflict (id) do update set display_name = $3, external_id = $4, updated_at = $5`,
    values: [id, tenantId, draft.displayName, draft.externalId, now],
  });
  const members = [...draft.members];
  await tx.query({
    text: `delete from auth.scim_group_members where tenant_id = $1 and group_id = $2 and scim_user_id::text <> all($3::text[])`,
    values: [tenantId, id, members],
  });
  await tx.query({
    text: `insert into auth.scim_group_members (tenant_id, group_id, scim_user_id)
           select tenant_id, $2, id from auth.scim_users where tenant_id = $1 and id::text = any($3::text[])
           on conflict do nothing`,
    values: [tenantId, id, members],
  });
}

/** deleteGroup removes a group; its people stay. */
export async function deleteGroup(tx: Tx, tenantId: string, id: string): Promise<void> {
  await tx.query({ text: 'delete from auth.scim_groups where tenant_id = $1 and id = $2', values: [tenantId, id] });
}
