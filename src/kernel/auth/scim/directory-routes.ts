/** The organisation's side of its directory: making and revoking tokens, and giving groups their roles. */
import type { z } from 'zod';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { tenancyErrors } from '#kernel/tenancy';
import { formatToken, hashSecret, newSecret } from '../bearer-token.ts';
import { directoryContract, type directoryGroup } from './directory-contract.ts';
import { applyRoles, holdersOf, lockMembers } from './provision.ts';

const access = { permission: 'auth.directory.manage' } as const;
const readLimit = { name: 'auth.directory-read', max: 120, windowSeconds: 60, by: 'user' } as const;
const writeLimit = { name: 'auth.directory-write', max: 60, windowSeconds: 3600, by: 'user' } as const;
/** One for each directory, and a second while it is exchanged. */
const maxTokens = 10;

interface TokenRow {
  id: string;
  name: string;
  last_used_at: Date | null;
  created_at: Date;
}

function describeToken(row: TokenRow) {
  return {
    id: row.id,
    name: row.name,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}

const listTokens = defineRoute(directoryContract, 'GET /directory/tokens', {
  id: 'auth.directory.token.list',
  access,
  limit: readLimit,
  handler: async (ctx) => {
    const { cursor, limit } = ctx.query;
    const rows = await ctx.services.db.withAuth((tx) =>
      tx.query<TokenRow>({
        text: `select id, name, last_used_at, created_at from auth.scim_tokens
               where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
        values: [ctx.principal.tenantId, readIdCursor(cursor), limit + 1],
      }),
    );
    return toIdPage(rows, limit, describeToken);
  },
});

/** assertMayConnect keeps personal organisations to their one person, and the tokens to a few. */
async function assertMayConnect(tx: Tx, tenantId: string): Promise<void> {
  await lockMembers(tx, tenantId);
  const [row] = await tx.query<{ is_personal: boolean; tokens: number }>({
    text: `select personal_user_id is not null as is_personal,
             (select count(*)::int from auth.scim_tokens t where t.tenant_id = o.id) as tokens
           from auth.organizations o where id = $1`,
    values: [tenantId],
  });
  if (row?.is_personal) throw tenancyErrors.ORGANISATION_PERSONAL();
  if ((row?.tokens ?? 0) >= maxTokens) {
    throw kernelErrors.CONFLICT({ detail: `There are ${maxTokens} tokens already. Revoke one that is not used.` });
  }
}

const createToken = defineRoute(directoryContract, 'POST /directory/tokens', {
  id: 'auth.directory.token.create',
  access,
  stepUp: true,
  showsSecretOnce: true,
  limit: writeLimit,
  errors: ['ORGANISATION_PERSONAL'],
  handler: async (ctx) => {
    const { principal, services } = ctx;
    const row: TokenRow = {
      id: newId(),
      name: ctx.body.name,
      last_used_at: null,
      created_at: new Date(services.identity.now()),
    };
    const secret = newSecret();
    await services.db.withAuth(async (tx) => {
      await assertMayConnect(tx, principal.tenantId);
      await tx.query({
        text: `insert into auth.scim_tokens (id, tenant_id, name, secret_hash, created_by, created_at)
               values ($1, $2, $3, $4, $5, $6)`,
        values: [row.id, principal.tenantId, row.name, hashSecret(secret), principal.userId, row.created_at],
      });
      await ctx.audit(tx, { action: 'auth.directory.token.create', resource: `directory-token:${row.id}` });
    });
    return { token: describeToken(row), secret: formatToken('bsc', row.id, secret) };
  },
});

const revokeToken = defineRoute(directoryContract, 'DELETE /directory/tokens/{directoryTokenId}', {
  id: 'auth.directory.token.revoke',
  access,
  stepUp: true,
  limit: writeLimit,
  handler: async (ctx) => {
    const { directoryTokenId } = ctx.params;
    await ctx.services.db.withAuth(async (tx) => {
      const rows = await tx.query({
        text: 'delete from auth.scim_tokens where id = $1 and tenant_id = $2 returning id',
        values: [directoryTokenId, ctx.principal.tenantId],
      });
      if (rows.length === 0) throw kernelErrors.NOT_FOUND();
      await ctx.audit(tx, { action: 'auth.directory.token.revoke', resource: `directory-token:${directoryTokenId}` });
    });
  },
});

type GroupAnswer = z.input<typeof directoryGroup>;
interface GroupRow {
  id: string;
  display_name: string;
  role: GroupAnswer['role'];
  member_count: number;
}

const groupSql = `select g.id, g.display_name, g.role, (select count(*)::int from auth.scim_group_members m
    where m.tenant_id = g.tenant_id and m.group_id = g.id) as member_count
  from auth.scim_groups g where g.tenant_id = $1`;

function describeGroup(row: GroupRow): GroupAnswer {
  return { id: row.id, name: row.display_name, role: row.role, memberCount: row.member_count };
}

const listGroups = defineRoute(directoryContract, 'GET /directory/groups', {
  id: 'auth.directory.group.list',
  access,
  limit: readLimit,
  handler: async (ctx) => {
    const { cursor, limit } = ctx.query;
    const rows = await ctx.services.db.withAuth((tx) =>
      tx.query<GroupRow>({
        text: `${groupSql} and ($2::uuid is null or g.id < $2) order by g.id desc limit $3`,
        values: [ctx.principal.tenantId, readIdCursor(cursor), limit + 1],
      }),
    );
    return toIdPage(rows, limit, describeGroup);
  },
});

const setRole = defineRoute(directoryContract, 'PATCH /directory/groups/{directoryGroupId}', {
  id: 'auth.directory.group.role',
  access,
  stepUp: true,
  limit: writeLimit,
  handler: async (ctx) => {
    const { principal, params, body, services } = ctx;
    const row = await services.db.withAuth(async (tx) => {
      await lockMembers(tx, principal.tenantId);
      const find = { text: `${groupSql} and g.id = $2`, values: [principal.tenantId, params.directoryGroupId] };
      const [before] = await tx.query<GroupRow>(find);
      if (!before) throw kernelErrors.NOT_FOUND();
      const holders = await holdersOf(tx, principal.tenantId, params.directoryGroupId);
      await tx.query({
        text: 'update auth.scim_groups set role = $3 where tenant_id = $1 and id = $2',
        values: [principal.tenantId, params.directoryGroupId, body.role],
      });
      const changed = await applyRoles(tx, principal.tenantId, holders);
      await ctx.audit(tx, {
        action: 'auth.directory.group.role',
        resource: `directory-group:${params.directoryGroupId}`,
        details: { role: body.role, changed },
      });
      return { ...before, role: body.role };
    });
    return describeGroup(row);
  },
});

export const directoryRoutes: readonly Route[] = [listTokens, createToken, revokeToken, listGroups, setRole];
