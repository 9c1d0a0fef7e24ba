/**
 * The one place where a sign-in ends, whichever way it began: in a session, or, for a person with a second factor, in a
 * challenge that only the second factor turns into one. Every way in calls it, so that none leads around the second step.
 */
import type { RequestContext } from '#kernel/http';
import type { Tx } from '#kernel/db';
import { chooseHome } from './account-engine.ts';
import { internalsOf } from './create-identity.ts';
import { describeDevice } from './describe-device.ts';
import { authErrors } from './errors.ts';
import { endReplacedSession, openSession } from './open-session.ts';
import { createChallenge, type FirstMeans } from './second-factors/sign-in-challenge.ts';
import { readFactors, secondStepMethods, type SecondStepMethod } from './second-factors/factor-store.ts';
import { useTrustedDevice } from './second-factors/trusted-device.ts';
import { signOnErrors } from './sign-on/errors.ts';
import { isSignOnRequired } from './sign-on/mail-domain.ts';
import { bindSsoSession } from './sign-on/sso-session.ts';
import { readPerson, type SignedInPerson } from './signed-in-person.ts';
import { isSwitchedOff } from './switched-off.ts';

/**
 * SignInMeans is how the person showed who they are: a password, an outside provider, or a link by mail are one step; a
 * passkey is both at once; an organisation's own sign-on answers for its people itself.
 */
export type SignInMeans = FirstMeans | 'passkey' | 'organisation';

/** SecondFactorNeeded is the answer while the second step is awaited; the challenge itself is in a cookie. */
export interface SecondFactorNeeded {
  readonly secondFactor: { methods: SecondStepMethod[]; expiresAt: string };
}

export type SignInAnswer = SignedInPerson | SecondFactorNeeded;

/** SignInOutcome is what `deliverSignIn` hands out once the transaction is committed. */
export interface SignInOutcome<Answer = SignInAnswer> {
  readonly answer: Answer;
  readonly cookies: readonly string[];
  /** The session that this browser had before. */
  readonly replacedSessionId: string | null;
}

/** SignInContext is what of a request finishing needs; every RequestContext has it. */
export type SignInContext = Pick<
  RequestContext,
  'services' | 'principal' | 'headers' | 'address' | 'userAgent' | 'requestId' | 'setCookies'
>;

export interface SignInOptions {
  /** Where the session works; the home organisation unless told. The person must be a member there. */
  readonly tenantId?: string;
  /** The person came through their organisation's sign-on, which is not trusted yet to stand for the second factor. */
  readonly isThroughOrganisation?: boolean;
  /** The session at the organisation's provider that this one comes from, which may end it. */
  readonly ssoSessionId?: string | null;
}

/**
 * finishSignIn works in the caller's transaction of withAuth, after everything else in it (it writes the audit record).
 * Hand its outcome to `deliverSignIn` after the commit.
 */
export function finishSignIn(
  ctx: SignInContext,
  tx: Tx,
  userId: string,
  means: 'passkey',
  options?: SignInOptions,
): Promise<SignInOutcome<SignedInPerson>>;
export function finishSignIn(
  ctx: SignInContext,
  tx: Tx,
  userId: string,
  means: SignInMeans,
  options?: SignInOptions,
): Promise<SignInOutcome>;
export async function finishSignIn(
  ctx: SignInContext,
  tx: Tx,
  userId: string,
  means: SignInMeans,
  options: SignInOptions = {},
): Promise<SignInOutcome> {
  if (await isSwitchedOff(tx, userId)) throw refuseAs(means);
  const isOwnWay = means === 'organisation' || options.isThroughOrganisation === true;
  if (!isOwnWay && (await isSignOnRequired(tx, userId))) throw signOnErrors.SIGN_ON_REQUIRED();
  const start = { userId, tenantId: options.tenantId ?? null, ssoSessionId: options.ssoSessionId ?? null };
  if (means === 'passkey' || means === 'organisation') return startSession(ctx, tx, start, { means });
  const methods = secondStepMethods(await readFactors(tx, userId));
  if (methods.length === 0) return startSession(ctx, tx, start, { means });
  if (await useTrustedDevice(ctx, tx, userId)) return startSession(ctx, tx, start, { means, isDeviceTrusted: true });
  const { cookie, expiresAt } = await createChallenge(ctx, tx, { ...start, means });
  await auditForPerson(ctx, tx, userId, 'auth.second-factor.ask', { means });
  const answer = { secondFactor: { methods, expiresAt: expiresAt.toISOString() } };
  return { answer, cookies: [cookie], replacedSessionId: null };
}

/** refuseAs is what this way in answers when it is wrong: nobody is told that an account is switched off. */
function refuseAs(means: SignInMeans): Error {
  const internal = 'the account is switched off';
  if (means === 'passkey') return authErrors.PASSKEY_REFUSED({ internal });
  if (means === 'mail') return authErrors.MAIL_LINK_INVALID({ internal });
  return means === 'password' ? authErrors.SIGN_IN_FAILED({ internal }) : signOnErrors.SIGN_ON_REFUSED({ internal });
}

/** startSession makes the session, ends the one whose cookie it replaces, and audits how it came about. */
export async function startSession(
  ctx: SignInContext,
  tx: Tx,
  start: { readonly userId: string; readonly tenantId: string | null; readonly ssoSessionId?: string | null },
  details: Readonly<Record<string, string | boolean>>,
): Promise<SignInOutcome<SignedInPerson>> {
  const { audit, identity } = ctx.services;
  const { userId } = start;
  const tenantId = start.tenantId ?? (await chooseHome(tx)(userId));
  const { cookie, principal } = await openSession(ctx, tx, { userId, tenantId });
  if (start.ssoSessionId && principal.via.kind === 'session')
    await bindSsoSession(tx, start.ssoSessionId, principal.via.sessionId);
  const replacedSessionId = await endReplacedSession(ctx, tx);
  const answer = await readPerson(tx, principal, internalsOf(identity).listApps());
  const { address, requestId } = ctx;
  const resource = `user:${userId}`;
  const device = describeDevice(ctx.userAgent);
  const from = { address, requestId, device };
  await audit.record(tx, { action: 'auth.sign-in', resource, actor: principal, tenantId, details, ...from });
  return { answer, cookies: [cookie], replacedSessionId };
}

/** deliverSignIn sets the cookies and returns the answer; only after the commit, so that no cookie outlives a rollback. */
export function deliverSignIn<Answer>(ctx: SignInContext, outcome: SignInOutcome<Answer>): Answer {
  const { replacedSessionId, cookies, answer } = outcome;
  if (replacedSessionId !== null) internalsOf(ctx.services.identity).cache.drop(`session:${replacedSessionId}`);
  ctx.setCookies(cookies);
  return answer;
}

/** auditForPerson records what happened to a person who is not signed in, in the trail of their own organisation. */
export async function auditForPerson(
  ctx: Pick<RequestContext, 'services' | 'address' | 'requestId' | 'userAgent'>,
  tx: Tx,
  userId: string,
  action: string,
  details?: Readonly<Record<string, string | number | boolean>>,
): Promise<void> {
  const { address, requestId } = ctx;
  await ctx.services.audit.record(tx, {
    action,
    resource: `user:${userId}`,
    actor: { kind: 'system', reason: action },
    tenantId: await chooseHome(tx)(userId),
    address,
    requestId,
    device: describeDevice(ctx.userAgent),
    ...(details ? { details } : {}),
  });
}
