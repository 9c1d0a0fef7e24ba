/** Routes about the browsers that skip the second step: list, trust one no longer, trust none. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Route } from '#kernel/http';
import { internalsOf } from '../create-identity.ts';
import { describeDevice } from '../describe-device.ts';
import { secondFactorsContract } from './contract.ts';
import { changeLimit } from './settings-routes.ts';
import { forgetDevice, forgetDevices, listDevices } from './trusted-device.ts';

const list = defineRoute(secondFactorsContract, 'GET /trusted-devices', {
  id: 'auth.trusted-device.list',
  access: 'signed-in',
  limit: { name: 'auth.trusted-device-list', max: 120, windowSeconds: 60, by: 'user' },
  handler: async (ctx) => {
    const { cursor, limit } = ctx.query;
    const before = readIdCursor(cursor);
    const now = new Date(internalsOf(ctx.services.identity).now());
    const rows = await ctx.services.db.withAuth((tx) =>
      listDevices(tx, ctx.principal.userId, { before, now, limit: limit + 1 }),
    );
    return toIdPage(rows, limit, (row) => ({
      id: row.id,
      device: describeDevice(row.user_agent),
      address: row.ip_address,
      createdAt: row.created_at.toISOString(),
      lastUsedAt: row.last_used_at.toISOString(),
      expiresAt: row.expires_at.toISOString(),
    }));
  },
});

const revoke = defineRoute(secondFactorsContract, 'DELETE /trusted-devices/{trustedDeviceId}', {
  id: 'auth.trusted-device.revoke',
  access: 'signed-in',
  limit: changeLimit,
  handler: async (ctx) => {
    const { trustedDeviceId } = ctx.params;
    await ctx.services.db.withAuth(async (tx) => {
      if (!(await forgetDevice(tx, ctx.principal.userId, trustedDeviceId))) throw kernelErrors.NOT_FOUND();
      await ctx.audit(tx, { action: 'auth.trusted-device.revoke', resource: `trusted-device:${trustedDeviceId}` });
    });
  },
});

const revokeAll = defineRoute(secondFactorsContract, 'POST /trusted-devices/revoke-all', {
  id: 'auth.trusted-device.revoke-all',
  access: 'signed-in',
  limit: changeLimit,
  handler: async (ctx) => {
    const { userId } = ctx.principal;
    const revoked = await ctx.services.db.withAuth(async (tx) => {
      const count = await forgetDevices(tx, userId);
      await ctx.audit(tx, {
        action: 'auth.trusted-device.revoke-all',
        resource: `user:${userId}`,
        details: { revoked: count },
      });
      return count;
    });
    return { revoked };
  },
});

export const trustedDeviceRoutes: readonly Route[] = [list, revoke, revokeAll];
