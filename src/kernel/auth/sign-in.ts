/**
 * Signs in by password. An unknown name and a wrong password get the same answer after the same work: one query, one
 * Argon2 verification, nothing else before the answer. Guessing is limited by address and account together (K4.2).
 */
import type { AuditEntry } from '#kernel/audit';
import type { RequestContext } from '#kernel/http';
import { addressKey, type LimitRule } from '#kernel/limits';
import type { Tx } from '#kernel/db';
import { describeDevice } from './describe-device.ts';
import { internalsOf } from './create-identity.ts';
import { authErrors } from './errors.ts';
import { deliverSignIn, finishSignIn, type SignInAnswer, type SignInOutcome } from './finish-sign-in.ts';
import { findMark, markBrowser } from './known-browser.ts';
import { takeOrRefuse } from './take-or-refuse.ts';

/** signInRule counts tries per account and address, or known browser; a right password gives them back. */
export const signInRule: LimitRule = { name: 'auth.sign-in', max: 5, windowSeconds: 900 };

/** accountRule counts tries at one account from everywhere; beyond it the account is under attack. */
const accountRule: LimitRule = { name: 'auth.sign-in-account', max: 50, windowSeconds: 3600 };

/**
 * attackedRule holds while an account is under attack: one try per address. A thousand addresses get a thousand tries
 * then, not five thousand each quarter of an hour; and whoever knows the password gets in from anywhere at the first
 * try, which counting by account alone would have made impossible. A browser known for the account is not counted by its
 * address: the owner mistypes there as ever, also beside a guesser.
 */
const attackedRule: LimitRule = { name: 'auth.sign-in-attacked', max: 1, windowSeconds: 3600 };

const tooManyTries = 'Too many tries to sign in. Wait a little and try again.';

interface Credential {
  readonly user_id: string;
  readonly tenant_id: string;
  readonly password: string | null;
}

async function findCredential(ctx: RequestContext, identifier: string): Promise<Credential | null> {
  const column = identifier.includes('@') ? 'email' : 'username'; // a username never holds an @
  const [row] = await ctx.services.db.withAuth((tx) =>
    tx.query<Credential>({
      name: `auth-find-credential-${column}`,
      text: `select u.id as user_id, o.id as tenant_id,
               case when u.disabled_at is null then a.password end as password -- switched off: as if it were wrong
             from auth.users u
             join auth.organizations o on o.personal_user_id = u.id
             left join auth.accounts a on a.user_id = u.id and a.provider_id = 'credential'
             where u.${column} = $1`,
      values: [identifier],
    }),
  );
  return row ?? null;
}

function entryOf(ctx: RequestContext, action: string, credential: Credential, actor: AuditEntry['actor']): AuditEntry {
  const { address, requestId } = ctx;
  const device = describeDevice(ctx.userAgent);
  const resource = `user:${credential.user_id}`;
  return { action, resource, actor, tenantId: credential.tenant_id, address, requestId, device };
}

/** recordFailure writes after the answer: an insert that only known accounts cause would tell them apart by its time. */
function recordFailure(ctx: RequestContext, credential: Credential | null): void {
  const { services, log } = ctx;
  log.info({ isKnown: credential !== null, address: ctx.address }, 'a sign-in failed');
  if (!credential) return; // no organisation whose trail it could stand in
  const entry = entryOf(ctx, 'auth.sign-in-failed', credential, { kind: 'system', reason: 'auth.sign-in-failed' });
  internalsOf(services.identity).later('record a failed sign-in', () =>
    services.db.withAuth((tx) => services.audit.record(tx, entry)),
  );
}

/** lockPassword returns the stored hash and holds it, so that a change of password and a sign-in never cross. */
async function lockPassword(tx: Tx, userId: string): Promise<string | null> {
  const [row] = await tx.query<{ password: string | null }>({
    text: `select case when u.disabled_at is null then a.password end as password
           from auth.accounts a join auth.users u on u.id = a.user_id
           where a.user_id = $1 and a.provider_id = 'credential' for update of a`,
    values: [userId],
  });
  return row?.password ?? null;
}

async function storePassword(tx: Tx, userId: string, hash: string): Promise<void> {
  await tx.query({
    text: `update auth.accounts set password = $2, updated_at = now() where user_id = $1 and provider_id = 'credential'`,
    values: [userId, hash],
  });
}

/** Finish is what follows a right password, in the transaction that holds it; its result is handed out after the commit. */
export type Finish<Result> = (tx: Tx, userId: string) => Promise<Result>;

/** finishByPassword goes on if the hash is still the one that was verified; null when it changed meanwhile. */
function finishByPassword<Result>(
  ctx: RequestContext,
  userId: string,
  hashes: { readonly verified: string; readonly upgraded: string | null },
  finish: Finish<Result>,
): Promise<{ readonly result: Result } | null> {
  return ctx.services.db.withAuth(async (tx) => {
    if ((await lockPassword(tx, userId)) !== hashes.verified) return null;
    if (hashes.upgraded !== null) await storePassword(tx, userId, hashes.upgraded);
    return { result: await finish(tx, userId) };
  });
}

/** normalizeName makes equal what looks equal. */
function normalizeName(identifier: string): string {
  return identifier.normalize('NFKC').toLowerCase();
}

/**
 * signIn sets the session cookie, or asks for the second factor, and makes the browser known for this name. Throws as
 * proveByPassword does.
 */
export async function signIn(ctx: RequestContext, identifier: string, password: string): Promise<SignInAnswer> {
  const finish: Finish<SignInOutcome> = (tx, userId) => finishSignIn(ctx, tx, userId, 'password');
  const outcome = await proveByPassword(ctx, identifier, password, finish);
  const known = markBrowser(ctx, normalizeName(identifier));
  return deliverSignIn(ctx, { ...outcome, cookies: [...outcome.cookies, known] });
}

/** proveByPassword finishes for the account with this name and password. Throws SIGN_IN_FAILED, RATE_LIMITED, and UNAVAILABLE when too many are hashing. */
export async function proveByPassword<Result>(
  ctx: RequestContext,
  identifier: string,
  password: string,
  finish: Finish<Result>,
): Promise<Result> {
  const name = normalizeName(identifier);
  const mark = findMark(ctx, name);
  const key = mark === null ? `${addressKey(ctx.address)} ${name}` : `known ${mark} ${name}`;
  await takeOrRefuse(ctx, signInRule, key, tooManyTries);
  const isOverAll = !(await ctx.services.limits.take(accountRule, name)).isAllowed;
  const isAttacked = isOverAll && mark === null;
  if (isAttacked) await takeOrRefuse(ctx, attackedRule, key, tooManyTries);
  const { hasher } = internalsOf(ctx.services.identity);
  // A second round only when the hash changed after it was verified, as the upgrade by a parallel sign-in does.
  for (let round = 1; round <= 2; round++) {
    const credential = await findCredential(ctx, name);
    const stored = credential?.password ?? null;
    const isRight = await hasher.verify(stored, password);
    if (!credential || stored === null || !isRight) {
      recordFailure(ctx, credential);
      break;
    }
    const upgraded = hasher.needsRehash(stored) ? await hasher.hash(password) : null;
    const finished = await finishByPassword(ctx, credential.user_id, { verified: stored, upgraded }, finish);
    if (!finished) continue;
    await ctx.services.limits.reset(signInRule, key);
    if (isAttacked) await ctx.services.limits.reset(attackedRule, key);
    return finished.result;
  }
  throw authErrors.SIGN_IN_FAILED();
}
