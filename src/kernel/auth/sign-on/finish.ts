/** Ends a way through a provider: whoever brings the state and the cookie of its start is signed in, or has linked, or has shown again who they are. */
import { isAppError } from '#kernel/errors';
import type { RequestContext } from '#kernel/http';
import type { z } from 'zod';
import { describeDevice } from '../describe-device.ts';
import { internalsOf } from '../create-identity.ts';
import { deliverSignIn } from '../finish-sign-in.ts';
import { proveSession } from '../session-store.ts';
import { browserOf, takeAttempt } from './attempts.ts';
import type { signOnOutcome } from './contract.ts';
import { signOnErrors } from './errors.ts';
import { finishGithub } from './github.ts';
import { finishOidc } from './oidc.ts';
import { reasonOf, toSignOnError } from './provider-failure.ts';
import { findProvider } from './providers.ts';
import { readAppleName } from './apple.ts';
import { insertLink, isOwnDomain, settleSignIn } from './settle.ts';
import type { AttemptRow, Provider, ProviderProfile } from './types.ts';

export type SignOnOutcome = z.input<typeof signOnOutcome>;

/** The longest reason that is kept for the connection's owner. */
const maxReasonLength = 300;

/** noteFailure tells the organisation why its provider let somebody down, in its trail and at the connection. */
export function noteFailure(ctx: RequestContext, provider: Provider, error: unknown): void {
  const { connection } = provider;
  if (!connection) return;
  const { db, audit, identity } = ctx.services;
  const code = isAppError(error) ? error.code : 'SIGN_ON_REFUSED';
  const internal = isAppError(error) ? error.options.internal : reasonOf(error);
  const reason = (internal ?? (isAppError(error) ? error.definition.public : 'unknown')).slice(0, maxReasonLength);
  const { address, requestId } = ctx;
  internalsOf(identity).later('note a failed sign-on', () =>
    db.withAuth(async (tx) => {
      await tx.query({
        text: 'update auth.sso_connections set last_problem = $2, last_problem_at = now() where id = $1',
        values: [connection.id, reason],
      });
      await audit.record(tx, {
        action: 'auth.sso.failed',
        resource: `sso-connection:${connection.id}`,
        actor: { kind: 'system', reason: 'auth.sso.failed' },
        tenantId: connection.tenant_id,
        address,
        requestId,
        details: { code },
      });
    }),
  );
}

async function readProfile(
  ctx: RequestContext,
  provider: Provider,
  attempt: AttemptRow,
  answer: URLSearchParams,
): Promise<ProviderProfile> {
  if (provider.kind === 'saml') {
    if (!attempt.profile) throw signOnErrors.SIGN_ON_REFUSED({ internal: 'no assertion came before the browser' });
    return attempt.profile;
  }
  if (provider.kind === 'github') return finishGithub(provider, ctx.services, attempt, answer);
  if (provider.kind !== 'apple') return finishOidc(provider, ctx.services, attempt, answer);
  const name = readAppleName(answer.get('user') ?? undefined);
  answer.delete('user');
  const profile = await finishOidc(provider, ctx.services, attempt, answer);
  return { ...profile, name };
}

/** checkSamePerson: who links or shows again who they are must still be signed in, in the same session. */
function checkSamePerson(ctx: RequestContext, attempt: AttemptRow): void {
  const { principal } = ctx;
  const isSame =
    principal?.via.kind === 'session' &&
    principal.userId === attempt.user_id &&
    principal.via.sessionId === attempt.session_id;
  if (!isSame) throw signOnErrors.SIGN_ON_EXPIRED();
}

async function recordOwn(
  ctx: RequestContext,
  tx: Parameters<typeof proveSession>[0],
  action: string,
  resource: string,
  details: Readonly<Record<string, string>>,
): Promise<void> {
  const { principal, services, address, requestId, userAgent } = ctx;
  if (!principal) throw signOnErrors.SIGN_ON_EXPIRED();
  const { tenantId } = principal;
  const from = { address, requestId, device: describeDevice(userAgent) };
  await services.audit.record(tx, { action, resource, actor: principal, tenantId, details, ...from });
}

async function link(ctx: RequestContext, provider: Provider, attempt: AttemptRow, profile: ProviderProfile) {
  const userId = attempt.user_id ?? '';
  await ctx.services.db.withAuth(async (tx) => {
    const [known] = await tx.query<{ user_id: string }>({
      text: 'select user_id from auth.accounts where provider_id = $1 and account_id = $2',
      values: [provider.id, profile.subject],
    });
    if (known && known.user_id !== userId) throw signOnErrors.SIGN_ON_LINKED_ELSEWHERE();
    if (known) return;
    const { connection } = provider;
    const isTheirs = !connection || (profile.email !== null && (await isOwnDomain(tx, connection, profile.email)));
    if (!isTheirs) throw signOnErrors.SIGN_ON_WRONG_DOMAIN();
    await insertLink(tx, userId, provider, profile);
    await recordOwn(ctx, tx, 'auth.account.link', `user:${userId}`, { provider: provider.id, by: 'settings' });
  });
}

async function prove(ctx: RequestContext, provider: Provider, attempt: AttemptRow, profile: ProviderProfile) {
  const { db, identity } = ctx.services;
  const sessionId = attempt.session_id ?? '';
  const userId = attempt.user_id ?? '';
  await db.withAuth(async (tx) => {
    const rows = await tx.query({
      text: 'select from auth.accounts where provider_id = $1 and account_id = $2 and user_id = $3',
      values: [provider.id, profile.subject, userId],
    });
    if (rows.length === 0) throw signOnErrors.SIGN_ON_WRONG_PERSON();
    const now = new Date(internalsOf(identity).now());
    if (!(await proveSession(tx, userId, sessionId, now))) throw signOnErrors.SIGN_ON_EXPIRED();
    await recordOwn(ctx, tx, 'auth.step-up', `session:${sessionId}`, { means: 'provider', provider: provider.id });
  });
  internalsOf(identity).cache.drop(`session:${sessionId}`);
}

async function conclude(
  ctx: RequestContext,
  provider: Provider,
  attempt: AttemptRow,
  profile: ProviderProfile,
): Promise<SignOnOutcome> {
  const done = { next: attempt.next_path, isNew: false, secondFactor: null };
  if (attempt.purpose === 'link') {
    await link(ctx, provider, attempt, profile);
    return { ...done, outcome: 'linked' };
  }
  if (attempt.purpose === 'step-up') {
    await prove(ctx, provider, attempt, profile);
    return { ...done, outcome: 'proved' };
  }
  const { outcome, isNew } = await settleSignIn(ctx, provider, profile);
  const answer = deliverSignIn(ctx, outcome);
  if ('secondFactor' in answer) return { ...done, isNew, outcome: 'second-factor', secondFactor: answer.secondFactor };
  return { ...done, isNew, outcome: 'signed-in' };
}

/** finishSignOn takes the query of the address that the provider sent the browser to. Throws the errors of sign-on. */
export async function finishSignOn(ctx: RequestContext, providerId: string, query: string): Promise<SignOnOutcome> {
  const { db } = ctx.services;
  const answer = new URLSearchParams(query);
  const states = answer.getAll('state');
  const [state] = states;
  const browser = browserOf(ctx);
  if (!state || states.length !== 1 || browser === null) throw signOnErrors.SIGN_ON_EXPIRED();
  const attempt = await db.withAuth((tx) => takeAttempt(tx, { provider: providerId, state, browser }));
  if (!attempt) throw signOnErrors.SIGN_ON_EXPIRED();
  if (attempt.purpose !== 'sign-in') checkSamePerson(ctx, attempt);
  const provider = await findProvider(ctx.services, attempt.provider);
  try {
    const profile = await readProfile(ctx, provider, attempt, answer);
    return await conclude(ctx, provider, attempt, profile);
  } catch (error) {
    const failure = isAppError(error) && !error.code.startsWith('OUTBOUND_') ? error : toSignOnError(error);
    noteFailure(ctx, provider, failure);
    throw failure;
  }
}
