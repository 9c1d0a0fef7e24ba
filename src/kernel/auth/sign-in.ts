/**
 * Signs in by password. An unknown name and a wrong password get the same answer after the same work: one query, one
 * Argon2 verification, nothing else before the answer. Guessing is limited by address and account together (K4.2).
 */
import type { AuditEntry } from '#kernel/audit';
import type { RequestContext } from '#kernel/http';
import { addressKey, type LimitRule } from '#kernel/limits';
import type { Tx } from '#kernel/db';
import { chooseHome } from './account-engine.ts';
import { internalsOf } from './create-identity.ts';
import { authErrors } from './errors.ts';
import { endSession } from './session-store.ts';
import { readPerson, type SignedInPerson } from './signed-in-person.ts';
import { takeOrRefuse } from './take-or-refuse.ts';

/** signInRule counts tries per address and account; a right password gives them back. */
export const signInRule: LimitRule = { name: 'auth.sign-in', max: 5, windowSeconds: 900 };

interface Credential {
  readonly user_id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly password: string | null;
}

async function findCredential(ctx: RequestContext, identifier: string): Promise<Credential | null> {
  const column = identifier.includes('@') ? 'email' : 'username'; // a username never holds an @
  const [row] = await ctx.services.db.withAuth((tx) =>
    tx.query<Credential>({
      name: `auth-find-credential-${column}`,
      text: `select u.id as user_id, o.id as tenant_id, u.email, a.password
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
  return { action, resource: `user:${credential.user_id}`, actor, tenantId: credential.tenant_id, address, requestId };
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
    text: `select password from auth.accounts where user_id = $1 and provider_id = 'credential' for update`,
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

/** openSession makes the session if the hash is still the one that was verified; null when it changed meanwhile. */
async function openSession(
  ctx: RequestContext,
  credential: Credential,
  verifiedHash: string,
  upgradedHash: string | null,
): Promise<SignedInPerson | null> {
  const { db, audit, identity } = ctx.services;
  const { engine, listApps, cache } = internalsOf(identity);
  const replaced = ctx.principal?.via.kind === 'session' ? ctx.principal.via.sessionId : null;
  const result = await db.withAuth(async (tx) => {
    if ((await lockPassword(tx, credential.user_id)) !== verifiedHash) return null;
    const signedIn = await engine.signIn({ tx, verifiedHash, chooseTenant: chooseHome(tx) }, credential.email, ctx);
    if (!signedIn) return null;
    if (upgradedHash !== null) await storePassword(tx, credential.user_id, upgradedHash);
    // The browser's cookie is about to be overwritten; the session it held would linger unseen.
    if (replaced !== null && ctx.principal) await endSession(tx, ctx.principal.userId, replaced);
    await audit.record(tx, entryOf(ctx, 'auth.sign-in', credential, signedIn.principal));
    return { cookies: signedIn.cookies, person: await readPerson(tx, signedIn.principal, listApps()) };
  });
  if (!result) return null;
  if (replaced !== null) cache.drop(`session:${replaced}`);
  ctx.setCookies(result.cookies);
  return result.person;
}

/** signIn sets the session cookie. Throws SIGN_IN_FAILED, RATE_LIMITED, and UNAVAILABLE when too many are hashing. */
export async function signIn(ctx: RequestContext, identifier: string, password: string): Promise<SignedInPerson> {
  const name = identifier.normalize('NFKC').toLowerCase();
  const key = `${addressKey(ctx.address)} ${name}`;
  await takeOrRefuse(ctx, signInRule, key, 'Too many tries to sign in. Wait a little and try again.');
  const { hasher, engine } = internalsOf(ctx.services.identity);
  await engine.warm();
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
    const person = await openSession(ctx, credential, stored, upgraded);
    if (!person) continue;
    await ctx.services.limits.reset(signInRule, key);
    return person;
  }
  throw authErrors.SIGN_IN_FAILED();
}
