/**
 * From what a provider said to a person here. An address alone never opens an account that somebody else could hold: it
 * must be proved on both sides, or nobody can have got into the account yet.
 */
import type { Tx } from '#kernel/db';
import type { RequestContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { createPersonalOrganization, isInvited, tellOperator, useServerInvitations } from '#kernel/tenancy';
import { describeDevice } from '../describe-device.ts';
import { endAccess } from '../end-access.ts';
import { authErrors } from '../errors.ts';
import { isDeprovisioned } from '../scim/provision.ts';
import { auditForPerson, finishSignIn, type SignInOutcome } from '../finish-sign-in.ts';
import { signOnErrors } from './errors.ts';
import { isDomainEnforced, mailDomainOf } from './mail-domain.ts';
import { insertSsoSession, prepareSsoSession, type SsoSession } from './sso-session.ts';
import type { Provider, ProviderProfile, SsoConnectionRow } from './types.ts';

export interface Settled {
  readonly outcome: SignInOutcome;
  readonly isNew: boolean;
}

interface Found {
  readonly userId: string;
  readonly isNew: boolean;
  /** The account was there before and was linked just now. */
  readonly isAdopted: boolean;
}

interface ExistingAccount {
  id: string;
  email_verified: boolean;
  has_way_in: boolean;
}

async function findLinked(tx: Tx, provider: Provider, subject: string): Promise<string | null> {
  const [row] = await tx.query<{ user_id: string }>({
    name: 'auth-find-linked',
    text: 'select user_id from auth.accounts where provider_id = $1 and account_id = $2',
    values: [provider.id, subject],
  });
  return row?.user_id ?? null;
}

/** insertLink adds the way in; the caller audits. */
export async function insertLink(tx: Tx, userId: string, provider: Provider, profile: ProviderProfile): Promise<void> {
  await tx.query({
    text: `insert into auth.accounts (id, user_id, provider_id, account_id, label) values ($1, $2, $3, $4, $5)`,
    values: [newId(), userId, provider.id, profile.subject, profile.email ?? profile.name],
  });
}

async function findByEmail(tx: Tx, email: string): Promise<ExistingAccount | null> {
  const [row] = await tx.query<ExistingAccount>({
    text: `select u.id, u.email_verified,
             exists(select from auth.accounts a where a.user_id = u.id and (a.provider_id <> 'credential' or a.password is not null))
             or exists(select from auth.passkeys p where p.user_id = u.id) as has_way_in
           from auth.users u where u.email = $1 for update of u`,
    values: [email],
  });
  return row ?? null;
}

/** isOwnDomain: the connection's organisation has proved the address's domain. */
export async function isOwnDomain(tx: Tx, connection: SsoConnectionRow, email: string): Promise<boolean> {
  const rows = await tx.query({
    text: `select from auth.sso_domains
           where tenant_id = $1 and connection_id = $2 and domain = $3 and verified_at is not null`,
    values: [connection.tenant_id, connection.id, mailDomainOf(email)],
  });
  return rows.length > 0;
}

async function createPerson(tx: Tx, email: string, isVerified: boolean, name: string): Promise<string> {
  const id = newId();
  await tx.query({
    text: 'insert into auth.users (id, name, email, email_verified) values ($1, $2, $3, $4)',
    values: [id, name, email, isVerified],
  });
  await createPersonalOrganization(tx, { id, name });
  return id;
}

/**
 * assertMayCome refuses strangers where signing up is closed, unless their address was invited and the provider says that it
 * is theirs; and whoever must come through their organisation.
 */
async function assertMayCome(
  { services }: RequestContext,
  tx: Tx,
  { isEmailVerified }: ProviderProfile,
  email: string,
): Promise<void> {
  if (services.config.signUp !== 'open' && !(isEmailVerified && (await isInvited(tx, email)))) {
    throw authErrors.SIGN_UP_CLOSED();
  }
  if (await isDomainEnforced(tx, email)) throw signOnErrors.SIGN_ON_REQUIRED();
}

/**
 * takeUnprovedAccount hands an account without any way in to who has proved its address. Whoever held it before was perhaps
 * somebody else, and keeps nothing that still opens it: no session, device, key or link under way (pre-hijacking).
 */
async function takeUnprovedAccount(tx: Tx, userId: string): Promise<void> {
  await endAccess(tx, userId);
  await tx.query({ text: 'delete from auth.api_keys where user_id = $1', values: [userId] });
  await tx.query({ text: 'update auth.users set email_verified = true where id = $1', values: [userId] });
}

/** findOrCreate decides whom a profile stands for that is not linked yet. */
async function findOrCreate(ctx: RequestContext, tx: Tx, provider: Provider, profile: ProviderProfile): Promise<Found> {
  const { connection } = provider;
  const { email } = profile;
  if (email === null) throw signOnErrors.SIGN_ON_NO_EMAIL();
  if (connection && !(await isOwnDomain(tx, connection, email))) throw signOnErrors.SIGN_ON_WRONG_DOMAIN();
  // Within its verified domains the organisation decides whose an address is.
  const isProved = connection !== null || profile.isEmailVerified;
  const existing = await findByEmail(tx, email);
  if (existing) {
    const isSafe = isProved && (existing.email_verified || !existing.has_way_in);
    if (!isSafe) throw signOnErrors.SIGN_ON_LINK_FIRST();
    if (!existing.email_verified) await takeUnprovedAccount(tx, existing.id);
    await insertLink(tx, existing.id, provider, profile);
    await auditForPerson(ctx, tx, existing.id, 'auth.account.link', { provider: provider.id, by: 'address' });
    return { userId: existing.id, isNew: false, isAdopted: existing.has_way_in };
  }
  if (!connection) await assertMayCome(ctx, tx, profile, email);
  const userId = await createPerson(tx, email, isProved, profile.name ?? email.split('@')[0] ?? email);
  await insertLink(tx, userId, provider, profile);
  await auditForPerson(ctx, tx, userId, 'auth.sign-up', { provider: provider.id });
  if (isProved) {
    for (const inviter of await useServerInvitations(tx, email)) await tellOperator(ctx.services, tx, inviter, userId);
  }
  return { userId, isNew: true, isAdopted: false };
}

/** joinOrganisation makes the person a member in the connection's role, unless they are one in whatever role. */
async function joinOrganisation(
  ctx: RequestContext,
  tx: Tx,
  userId: string,
  connection: SsoConnectionRow,
): Promise<void> {
  const { tenant_id: tenantId, default_role: role } = connection;
  if (await isDeprovisioned(tx, tenantId, userId)) throw signOnErrors.SIGN_ON_DEACTIVATED();
  const rows = await tx.query({
    text: `insert into auth.members (tenant_id, user_id, role) values ($1, $2, $3) on conflict do nothing returning user_id`,
    values: [tenantId, userId, role],
  });
  if (rows.length === 0) return;
  await ctx.services.audit.record(tx, {
    action: 'auth.sso.join',
    resource: `user:${userId}`,
    actor: { kind: 'system', reason: 'auth.sso.join' },
    tenantId,
    address: ctx.address,
    requestId: ctx.requestId,
    device: describeDevice(ctx.userAgent),
    details: { role, connection: connection.id },
  });
}

async function settleOnce(
  ctx: RequestContext,
  provider: Provider,
  profile: ProviderProfile,
  origin: SsoSession | null,
): Promise<Settled> {
  const { connection } = provider;
  return ctx.services.db.withAuth(async (tx) => {
    const linked = await findLinked(tx, provider, profile.subject);
    const found: Found =
      linked === null
        ? await findOrCreate(ctx, tx, provider, profile)
        : { userId: linked, isNew: false, isAdopted: false };
    if (!connection) return { outcome: await finishSignIn(ctx, tx, found.userId, 'provider'), isNew: found.isNew };
    await joinOrganisation(ctx, tx, found.userId, connection);
    await tx.query({
      text: `update auth.sso_connections set last_success_at = now(), last_problem = null, last_problem_at = null where id = $1`,
      values: [connection.id],
    });
    // An account that was there before has a second factor of its own: the organisation answers for it from next time on.
    const means = found.isAdopted ? 'provider' : 'organisation';
    if (origin) await insertSsoSession(tx, connection, origin);
    const outcome = await finishSignIn(ctx, tx, found.userId, means, {
      tenantId: connection.tenant_id,
      ssoSessionId: origin?.id ?? null,
      isThroughOrganisation: true,
    });
    return { outcome, isNew: found.isNew };
  });
}

/** settleSignIn signs in whoever the profile stands for. A second round for two first sign-ins of one person at once. */
export async function settleSignIn(
  ctx: RequestContext,
  provider: Provider,
  profile: ProviderProfile,
): Promise<Settled> {
  const origin = await prepareSsoSession(ctx.services, provider, profile);
  try {
    return await settleOnce(ctx, provider, profile, origin);
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23505') throw error;
    return settleOnce(ctx, provider, profile, origin);
  }
}
