/** Routes by which people change their own account; what guards the account asks for the current password again. */
import { defineRoute } from '#kernel/http';
import { kernelErrors } from '#kernel/errors';
import { addressKey } from '#kernel/limits';
import type { SignedInContext } from '#kernel/http';
import { authContract } from '../contract.ts';
import { assertPassword } from '../create-account.ts';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { endOtherSessions } from '../session-store.ts';
import { forgetProofs } from '../mail-proofs/proof-store.ts';
import { tellPerson } from '../second-factors/tell-person.ts';
import { forgetDevices } from '../second-factors/trusted-device.ts';
import { signInRule } from '../sign-in.ts';
import { readPerson } from '../signed-in-person.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';
import { currentId } from './session-routes.ts';

export const updateProfile = defineRoute(authContract, 'PATCH /profile', {
  id: 'auth.profile.update',
  access: 'signed-in',
  limit: { name: 'auth.settings', max: 20, windowSeconds: 3600, by: 'user' },
  errors: ['USERNAME_TAKEN'],
  handler: async (ctx) => {
    const { services, principal, body } = ctx;
    try {
      return await services.db.withAuth(async (tx) => {
        await tx.query({
          text: `update auth.users set name = coalesce($2, name), username = case when $3 then $4 else username end,
                   updated_at = now() where id = $1`,
          values: [principal.userId, body.name ?? null, body.username !== undefined, body.username ?? null],
        });
        const changed = Object.keys(body).sort().join(', ');
        await ctx.audit(tx, {
          action: 'auth.profile.update',
          resource: `user:${principal.userId}`,
          details: { changed },
        });
        return readPerson(tx, principal, internalsOf(services.identity).listApps());
      });
    } catch (error) {
      if ((error as { code?: unknown }).code === '23505') throw authErrors.USERNAME_TAKEN({ cause: error });
      throw error;
    }
  },
});

interface OwnAccount {
  name: string;
  email: string;
  username: string | null;
  password: string | null;
}

async function readOwnAccount({ services, principal }: SignedInContext): Promise<OwnAccount> {
  const [row] = await services.db.withAuth((tx) =>
    tx.query<OwnAccount>({
      text: `select u.name, u.email, u.username, a.password from auth.users u
             left join auth.accounts a on a.user_id = u.id and a.provider_id = 'credential' where u.id = $1`,
      values: [principal.userId],
    }),
  );
  if (!row) throw kernelErrors.UNAUTHENTICATED();
  return row;
}

export const changePassword = defineRoute(authContract, 'POST /profile/password', {
  id: 'auth.password.change',
  access: 'signed-in',
  limit: { name: 'auth.settings', max: 20, windowSeconds: 3600, by: 'user' },
  errors: ['CURRENT_PASSWORD_WRONG', 'PASSWORD_REFUSED'],
  bodyLimitBytes: 32_768,
  handler: async (ctx) => {
    const { services, principal, body } = ctx;
    const { hasher, cache } = internalsOf(services.identity);
    const account = await readOwnAccount(ctx);
    await assertPassword(
      services,
      body.newPassword,
      [account.name, account.email, account.username ?? ''],
      '/body/newPassword',
    );
    const key = `${addressKey(ctx.address)} user ${principal.userId}`;
    // A stolen session must not become a place to guess the password: tries count like those of signing in.
    await takeOrRefuse(ctx, signInRule, key, 'Too many tries of the current password. Wait a little and try again.');
    if (!(await hasher.verify(account.password, body.currentPassword))) throw authErrors.CURRENT_PASSWORD_WRONG();
    const newHash = await hasher.hash(body.newPassword);
    await services.db.withAuth(async (tx) => {
      // Compared once more under the row's lock: of two changes at once the second finds that its proof is stale.
      const rows = await tx.query({
        text: `update auth.accounts set password = $2, updated_at = now()
               where user_id = $1 and provider_id = 'credential' and password = $3 returning id`,
        values: [principal.userId, newHash, account.password],
      });
      if (rows.length === 0) throw authErrors.CURRENT_PASSWORD_WRONG();
      const revoked = await endOtherSessions(tx, principal.userId, currentId(ctx));
      await forgetProofs(tx, principal.userId);
      await forgetDevices(tx, principal.userId);
      await tellPerson(ctx, tx, principal.userId, {
        title: 'Your password was changed',
        text: 'Everything else that was signed in has been signed out. If this was not you, choose a new one by mail at once.',
      });
      await ctx.audit(tx, {
        action: 'auth.password.change',
        resource: `user:${principal.userId}`,
        details: { revokedSessions: revoked },
      });
    });
    cache.drop(`user:${principal.userId}`);
    await services.limits.reset(signInRule, key);
  },
});
