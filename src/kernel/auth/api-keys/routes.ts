/** Routes of API keys: making and revoking need a recent proof of the person, and no key makes or revokes keys. */
import { kernelErrors, type ProblemIssue } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Route, type SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { permissionsOf } from '#kernel/tenancy';
import type { z } from 'zod';
import { formatToken, hashSecret, newSecret } from '../bearer-token.ts';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { tellPerson } from '../second-factors/tell-person.ts';
import { parseNetwork } from './address-list.ts';
import {
  countActiveKeys,
  findApiKey,
  insertApiKey,
  listApiKeys,
  renameApiKey,
  revokeApiKey,
  type ApiKeyRow,
  type KeyOwner,
} from './api-key-store.ts';
import { apiKeysContract, type apiKey, type newApiKey } from './contract.ts';

/** A person needs a few keys per program; a bound keeps limits by key from being multiplied without end. */
const maxActiveKeys = 20;

const use = { permission: 'auth.api-key.use' } as const;
const readLimit = { name: 'auth.api-key-read', max: 120, windowSeconds: 60, by: 'user' } as const;
const writeLimit = { name: 'auth.api-key-write', max: 30, windowSeconds: 3600, by: 'user' } as const;

function heldBy(ctx: Pick<SignedInContext, 'services'>, role: ApiKeyRow['role']): ReadonlySet<string> {
  return permissionsOf(role, internalsOf(ctx.services.identity).listApps());
}

function mayManage(ctx: SignedInContext): boolean {
  const isInScope = ctx.principal.scopes?.includes('auth.api-key.manage') ?? true;
  return isInScope && heldBy(ctx, ctx.principal.role).has('auth.api-key.manage');
}

/** reachOf is whose keys the caller may change: everybody's for who manages them, else their own. */
function reachOf(ctx: SignedInContext): KeyOwner {
  const { tenantId, userId } = ctx.principal;
  return { tenantId, userId: mayManage(ctx) ? null : userId };
}

function stateOf(row: ApiKeyRow, now: number): z.input<typeof apiKey>['state'] {
  if (row.revoked_at) return 'revoked';
  return row.expires_at && row.expires_at.getTime() <= now ? 'expired' : 'active';
}

function describeKey(ctx: SignedInContext, row: ApiKeyRow): z.input<typeof apiKey> {
  const held = heldBy(ctx, row.role);
  return {
    id: row.id,
    name: row.name,
    lastFour: row.last_four,
    owner: { id: row.user_id, name: row.owner_name },
    isMine: row.user_id === ctx.principal.userId,
    state: stateOf(row, ctx.services.identity.now()),
    scopes: [...row.scopes],
    lostScopes: row.scopes.filter((scope) => !held.has(scope)),
    addressAllowList: [...row.address_allow_list],
    requestsPerMinute: row.requests_per_minute,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    lastUsedAddress: row.last_used_address,
    createdAt: row.created_at.toISOString(),
  };
}

const listKeys = defineRoute(apiKeysContract, 'GET /api-keys', {
  id: 'auth.api-key.list',
  access: use,
  limit: readLimit,
  handler: async (ctx) => {
    const { cursor, limit, of } = ctx.query;
    if (of === 'everybody' && !mayManage(ctx)) {
      throw kernelErrors.FORBIDDEN({ extensions: { permission: 'auth.api-key.manage' } });
    }
    const before = readIdCursor(cursor);
    const { tenantId, userId } = ctx.principal;
    const owner = { tenantId, userId: of === 'me' ? userId : null };
    const rows = await ctx.services.db.withAuth((tx) => listApiKeys(tx, owner, before, limit + 1));
    return toIdPage(rows, limit, (row) => describeKey(ctx, row));
  },
});

/** findIssues lists what of a new key cannot be: scopes its maker does not hold, an end in the past, what is no network. */
function findIssues(ctx: SignedInContext, body: z.output<typeof newApiKey>): ProblemIssue[] {
  const held = heldBy(ctx, ctx.principal.role);
  const isPast = body.expiresAt !== undefined && Date.parse(body.expiresAt) <= ctx.services.identity.now();
  return [
    ...body.scopes.flatMap((scope, index) =>
      held.has(scope) ? [] : [{ pointer: `/body/scopes/${index}`, detail: 'You do not have this permission.' }],
    ),
    ...body.addressAllowList.flatMap((text, index) =>
      parseNetwork(text)
        ? []
        : [
            {
              pointer: `/body/addressAllowList/${index}`,
              detail: 'Give an address or a network such as 203.0.113.0/24.',
            },
          ],
    ),
    ...(isPast ? [{ pointer: '/body/expiresAt', detail: 'This is in the past.' }] : []),
  ];
}

const createKey = defineRoute(apiKeysContract, 'POST /api-keys', {
  id: 'auth.api-key.create',
  access: use,
  stepUp: true,
  showsSecretOnce: true,
  limit: writeLimit,
  errors: ['API_KEY_COUNT_REACHED'],
  handler: async (ctx) => {
    const { services, principal, body } = ctx;
    const issues = findIssues(ctx, body);
    if (issues.length > 0) throw kernelErrors.INVALID_REQUEST({ errors: issues });
    const secret = newSecret();
    const id = newId();
    const token = formatToken('bhk', id, secret);
    const now = new Date(services.identity.now());
    const scopes = [...new Set(body.scopes)].sort();
    const row = await services.db.withAuth(async (tx) => {
      const count = await countActiveKeys(tx, principal.tenantId, principal.userId, now);
      if (count >= maxActiveKeys) throw authErrors.API_KEY_COUNT_REACHED();
      await insertApiKey(tx, {
        id,
        tenant_id: principal.tenantId,
        user_id: principal.userId,
        name: body.name,
        secret_hash: hashSecret(secret),
        last_four: token.slice(-4),
        scopes,
        address_allow_list: [...new Set(body.addressAllowList)],
        requests_per_minute: body.requestsPerMinute,
        expires_at: body.expiresAt === undefined ? null : new Date(body.expiresAt),
        created_at: now,
      });
      const made = await findApiKey(tx, id);
      if (!made) throw kernelErrors.UNAUTHENTICATED(); // the membership ended meanwhile
      await tellPerson(ctx, tx, principal.userId, {
        title: `An API key was made: ${body.name}`,
        text: 'Whoever has it acts for you within its scopes. If this was not you, revoke it and change your password at once.',
      });
      await ctx.audit(tx, {
        action: 'auth.api-key.create',
        resource: `api-key:${id}`,
        details: {
          scopes: scopes.join(' '),
          expiresAt: body.expiresAt ?? null,
          networks: body.addressAllowList.length,
          requestsPerMinute: body.requestsPerMinute,
        },
      });
      return made;
    });
    return { apiKey: describeKey(ctx, row), secret: token };
  },
});

const renameKey = defineRoute(apiKeysContract, 'PATCH /api-keys/{apiKeyId}', {
  id: 'auth.api-key.rename',
  access: use,
  limit: writeLimit,
  handler: async (ctx) => {
    const { apiKeyId } = ctx.params;
    const row = await ctx.services.db.withAuth(async (tx) => {
      if (!(await renameApiKey(tx, reachOf(ctx), apiKeyId, ctx.body.name))) throw kernelErrors.NOT_FOUND();
      await ctx.audit(tx, { action: 'auth.api-key.rename', resource: `api-key:${apiKeyId}` });
      return findApiKey(tx, apiKeyId);
    });
    if (!row) throw kernelErrors.NOT_FOUND();
    return describeKey(ctx, row);
  },
});

const revokeKey = defineRoute(apiKeysContract, 'DELETE /api-keys/{apiKeyId}', {
  id: 'auth.api-key.revoke',
  access: use,
  stepUp: true,
  limit: writeLimit,
  handler: async (ctx) => {
    const { apiKeyId } = ctx.params;
    const { db, identity } = ctx.services;
    await db.withAuth(async (tx) => {
      const outcome = await revokeApiKey(tx, reachOf(ctx), apiKeyId, new Date(identity.now()));
      if (outcome === 'unknown') throw kernelErrors.NOT_FOUND();
      if (outcome === 'revoked') {
        await ctx.audit(tx, { action: 'auth.api-key.revoke', resource: `api-key:${apiKeyId}` });
      }
    });
    internalsOf(identity).cache.drop(`key:${apiKeyId}`);
  },
});

/** groupOf names what a permission of the kernel is about: `models.price.read` is about models. */
function groupOf(permission: string): string {
  const [module = ''] = permission.split('.');
  return module === 'auth' ? 'Keys and directory' : module.charAt(0).toUpperCase() + module.slice(1);
}

const listScopes = defineRoute(apiKeysContract, 'GET /api-key-scopes', {
  id: 'auth.api-key.scopes',
  access: use,
  limit: readLimit,
  handler: async (ctx) => {
    const held = heldBy(ctx, ctx.principal.role);
    const scopes = internalsOf(ctx.services.identity)
      .listApps()
      .flatMap(({ permissions, title }) =>
        Object.entries(permissions).map(([permission, meaning]) => ({
          permission,
          meaning,
          group: title || groupOf(permission),
        })),
      );
    return { scopes: scopes.filter(({ permission }) => held.has(permission)) };
  },
});

export const apiKeyRoutes: readonly Route[] = [listKeys, createKey, renameKey, revokeKey, listScopes];
