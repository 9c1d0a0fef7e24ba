/** Showing again who one is: what opens the sensitive changes of a session for STEP_UP_MINUTES (K2.4). */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type SignedInContext } from '#kernel/http';
import { addressKey } from '#kernel/limits';
import { authContract } from '../contract.ts';
import { internalsOf } from '../create-identity.ts';
import { authErrors } from '../errors.ts';
import { proveSession } from '../session-store.ts';
import { signInRule } from '../sign-in.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';
import { currentSessionId } from './session-routes.ts';

async function readPasswordHash({ services, principal }: SignedInContext): Promise<string | null> {
  const [row] = await services.db.withAuth((tx) =>
    tx.query<{ password: string | null }>({
      text: `select password from auth.accounts where user_id = $1 and provider_id = 'credential'`,
      values: [principal.userId],
    }),
  );
  return row?.password ?? null;
}

/** recordProof marks the session as proved now, on every process, and audits by which means. */
export async function recordProof(ctx: SignedInContext, means: 'password' | 'passkey' | 'provider'): Promise<void> {
  const { services, principal } = ctx;
  const { cache, now } = internalsOf(services.identity);
  const sessionId = currentSessionId(ctx);
  if (sessionId === null) throw kernelErrors.FORBIDDEN({ detail: 'Only a browser session can be confirmed.' });
  await services.db.withAuth(async (tx) => {
    if (!(await proveSession(tx, principal.userId, sessionId, new Date(now())))) throw kernelErrors.UNAUTHENTICATED();
    await ctx.audit(tx, { action: 'auth.step-up', resource: `session:${sessionId}`, details: { means } });
  });
  cache.drop(`session:${sessionId}`);
}

export const stepUp = defineRoute(authContract, 'POST /auth/step-up', {
  id: 'auth.step-up',
  access: 'signed-in',
  limit: { name: 'auth.step-up', max: 20, windowSeconds: 900, by: 'user' },
  errors: ['CURRENT_PASSWORD_WRONG'],
  bodyLimitBytes: 16_384,
  handler: async (ctx) => {
    const { services, principal, body } = ctx;
    // Tries count like those of signing in: a stolen session must not become a place to guess the password.
    const key = `${addressKey(ctx.address)} user ${principal.userId}`;
    await takeOrRefuse(ctx, signInRule, key, 'Too many tries of the password. Wait a little and try again.');
    const hash = await readPasswordHash(ctx);
    if (!(await internalsOf(services.identity).hasher.verify(hash, body.password)))
      throw authErrors.CURRENT_PASSWORD_WRONG();
    await recordProof(ctx, 'password');
    await services.limits.reset(signInRule, key);
  },
});
