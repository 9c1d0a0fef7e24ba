/** Signing out at an organisation's provider as well, and the provider's word that somebody has signed out there. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit } from '#kernel/http';
import { currentSessionId, endAndAudit } from '../../routes/session-routes.ts';
import { clearedSessionCookie } from '../../session-cookie.ts';
import { publicOrigin } from '../addresses.ts';
import { useProofOnce } from '../attempts.ts';
import { signOnContract } from '../contract.ts';
import { signOnErrors } from '../errors.ts';
import { verifyLogoutToken } from '../logout-token.ts';
import { endSessionAddress } from '../oidc.ts';
import { reasonOf, toSignOnError } from '../provider-failure.ts';
import { findProvider, readConnectionRow, toProvider } from '../providers.ts';
import { endFromProvider, readSignOutWay } from '../sso-session.ts';

/** Whoever ends a working day ends it for everybody at once. */
const backchannelLimit: Limit = { name: 'auth.sign-on-logout', max: 1_200, windowSeconds: 60, by: 'address' };

export const signOutEverywhere = defineRoute(signOnContract, 'POST /auth/sign-on/sign-out', {
  id: 'auth.sign-on.sign-out',
  access: 'signed-in',
  limit: { name: 'auth.sign-out', max: 60, windowSeconds: 60, by: 'user' },
  handler: async (ctx) => {
    const { services } = ctx;
    const sessionId = currentSessionId(ctx);
    if (sessionId === null)
      throw kernelErrors.FORBIDDEN({ detail: 'Only a person in a browser can go to a provider.' });
    const way = await readSignOutWay(services, sessionId);
    await endAndAudit(ctx, sessionId, 'auth.sign-out');
    ctx.setCookies([clearedSessionCookie]);
    if (!way) return { url: null };
    try {
      const provider = await findProvider(services, way.connectionId);
      return { url: await endSessionAddress(provider, services, publicOrigin(ctx), way.idToken) };
    } catch (error) {
      // Signed out here all the same: a provider that is away keeps nobody in.
      services.log.info(
        { reason: reasonOf(error), connectionId: way.connectionId },
        'no way to the provider’s sign-out',
      );
      return { url: null };
    }
  },
});

export const backchannelLogout = defineRoute(
  signOnContract,
  'POST /auth/sign-on/{ssoConnectionId}/backchannel-logout',
  {
    id: 'auth.sign-on.backchannel-logout',
    access: 'public',
    limit: backchannelLimit,
    errors: ['NOT_FOUND', 'SIGN_ON_REFUSED', 'SIGN_ON_PROVIDER_AWAY', 'SIGN_ON_EXPIRED'],
    bodyLimitBytes: 65_536,
    handler: async (ctx) => {
      const { services, params, body, address, requestId } = ctx;
      const row = await services.db.withAuth((tx) => readConnectionRow(tx, params.ssoConnectionId));
      if (row?.kind !== 'oidc') throw kernelErrors.NOT_FOUND();
      const provider = await toProvider(services, row);
      const logout = await verifyLogoutToken(provider, services, body.logout_token).catch((error: unknown) => {
        // Told to the log alone: anybody can send something here, and the organisation's trail is no place for it.
        services.log.info({ reason: reasonOf(error), connectionId: row.id }, 'a logout token was refused');
        throw toSignOnError(error);
      });
      const ended = await services.db.withAuth(async (tx) => {
        const isFirst = await useProofOnce(tx, logout.proof, logout.expiresAt);
        if (!isFirst) throw signOnErrors.SIGN_ON_EXPIRED({ internal: 'the logout token was used already' });
        const ids = await endFromProvider(tx, row, logout);
        await services.audit.record(tx, {
          action: 'auth.sso.logout',
          resource: `sso-connection:${row.id}`,
          actor: { kind: 'system', reason: 'auth.sso.logout' },
          tenantId: row.tenant_id,
          address,
          requestId,
          details: { sessions: ids.length },
        });
        return ids;
      });
      for (const id of ended) services.identity.forget(`session:${id}`);
    },
  },
);
