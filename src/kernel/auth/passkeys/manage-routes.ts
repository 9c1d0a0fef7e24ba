/** Routes by which people add, name and remove passkeys; the last way in is never removed. */
import type { z } from 'zod';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Route, type SignedInContext } from '#kernel/http';
import { authErrors } from '../errors.ts';
import { changeFactors } from '../second-factors/change-factors.ts';
import { readFactors } from '../second-factors/factor-store.ts';
import { changeLimit } from '../second-factors/settings-routes.ts';
import { holderOf } from './question-holder.ts';
import { passkeysContract, type passkey } from './contract.ts';
import type { PasskeyQuestion } from './passkey-challenge.ts';
import { listPasskeys, removePasskey, renamePasskey, type PasskeyRow } from './passkey-store.ts';
import { addPasskey, beginPasskey } from './register-passkey.ts';

function showPasskey(row: PasskeyRow): z.input<typeof passkey> {
  return {
    id: row.id,
    name: row.name,
    isSynced: row.is_synced,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  };
}

const registration = (ctx: SignedInContext): PasskeyQuestion => ({
  purpose: 'register',
  holder: holderOf(ctx),
  userId: ctx.principal.userId,
});

const list = defineRoute(passkeysContract, 'GET /passkeys', {
  id: 'auth.passkey.list',
  access: 'signed-in',
  limit: { name: 'auth.passkey-list', max: 120, windowSeconds: 60, by: 'user' },
  handler: async (ctx) => {
    const { cursor, limit } = ctx.query;
    const before = readIdCursor(cursor);
    const rows = await ctx.services.db.withAuth((tx) => listPasskeys(tx, ctx.principal.userId, before, limit + 1));
    return toIdPage(rows, limit, showPasskey);
  },
});

const begin = defineRoute(passkeysContract, 'POST /passkeys/options', {
  id: 'auth.passkey.begin',
  access: 'signed-in',
  limit: changeLimit,
  stepUp: true,
  errors: ['PASSKEY_HOST_UNFIT', 'PASSKEY_COUNT_REACHED'],
  handler: (ctx) => beginPasskey(ctx, registration(ctx)),
});

const add = defineRoute(passkeysContract, 'POST /passkeys', {
  id: 'auth.passkey.add',
  access: 'signed-in',
  limit: changeLimit,
  stepUp: true,
  idempotent: true,
  errors: ['PASSKEY_REFUSED', 'PASSKEY_KNOWN', 'PASSKEY_COUNT_REACHED', 'PASSKEY_HOST_UNFIT'],
  bodyLimitBytes: 131_072,
  handler: async (ctx) => showPasskey(await addPasskey(ctx, registration(ctx), ctx.body.credential, ctx.body.name)),
});

const rename = defineRoute(passkeysContract, 'PATCH /passkeys/{passkeyId}', {
  id: 'auth.passkey.rename',
  access: 'signed-in',
  limit: changeLimit,
  handler: async (ctx) => {
    const { passkeyId } = ctx.params;
    return ctx.services.db.withAuth(async (tx) => {
      const row = await renamePasskey(tx, ctx.principal.userId, passkeyId, ctx.body.name);
      if (!row) throw kernelErrors.NOT_FOUND();
      await ctx.audit(tx, { action: 'auth.passkey.rename', resource: `passkey:${passkeyId}` });
      return showPasskey(row);
    });
  },
});

const remove = defineRoute(passkeysContract, 'DELETE /passkeys/{passkeyId}', {
  id: 'auth.passkey.remove',
  access: 'signed-in',
  limit: changeLimit,
  stepUp: true,
  errors: ['LAST_WAY_IN', 'PASSKEY_NEEDED'],
  handler: async (ctx) => {
    const { passkeyId } = ctx.params;
    const { userId } = ctx.principal;
    const change = { action: 'auth.passkey.remove', resource: `passkey:${passkeyId}`, title: 'A passkey was removed' };
    await changeFactors(ctx, change, async (tx) => {
      if (!(await removePasskey(tx, userId, passkeyId))) throw kernelErrors.NOT_FOUND();
      const left = await readFactors(tx, userId);
      if (left.passkeys > 0) return;
      if (left.isPasskeyAsked) throw authErrors.PASSKEY_NEEDED();
      if (!left.hasPassword && left.providers === 0) throw authErrors.LAST_WAY_IN();
    });
  },
});

export const managePasskeyRoutes: readonly Route[] = [list, begin, add, rename, remove];
