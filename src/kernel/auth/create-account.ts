/** An account is made whole or not at all: user, organisation, password, session and audit in one transaction. */
import type { RequestContext } from '#kernel/http';
import type { Tx } from '#kernel/db';
import { createPersonalOrganization } from '#kernel/tenancy';
import { describeDevice } from './describe-device.ts';
import type { NewAccount } from './account-engine.ts';
import { joinAtSignUp, type InvitationProof } from './join-at-sign-up.ts';
import { isBreached } from './breach-check.ts';
import { internalsOf } from './create-identity.ts';
import { authErrors } from './errors.ts';
import { queueVerifyMail } from './mail-proofs/proof-mails.ts';
import { createProof } from './mail-proofs/proof-store.ts';
import { endReplacedSession } from './open-session.ts';
import { findFailedRules, passwordRuleTexts, type PasswordPolicy } from './password-policy.ts';
import { readPerson, type SignedInPerson } from './signed-in-person.ts';

/** passwordPolicyOf is the policy of an installation. */
export function passwordPolicyOf(config: { passwordMinLength: number; passwordClasses: boolean }): PasswordPolicy {
  return { minLength: config.passwordMinLength, needsClasses: config.passwordClasses };
}

/** assertPassword throws PASSWORD_REFUSED naming each broken rule: in `errors` at `pointer`, and as `failedRules`. */
export async function assertPassword(
  services: Pick<RequestContext['services'], 'config' | 'outbound' | 'log'>,
  password: string,
  userInputs: readonly string[],
  pointer: string,
): Promise<void> {
  const policy = passwordPolicyOf(services.config);
  let failedRules = await findFailedRules(password, policy, userInputs);
  if (failedRules.length === 0 && (await isBreached(services, password))) failedRules = ['breached'];
  if (failedRules.length === 0) return;
  throw authErrors.PASSWORD_REFUSED({
    errors: failedRules.map((rule) => ({
      pointer,
      detail: passwordRuleTexts[rule].replace('{minLength}', String(policy.minLength)),
    })),
    extensions: { failedRules },
  });
}

export interface AccountCreation {
  readonly account: NewAccount;
  readonly password: string;
  /** Audit action, `auth.sign-up` or `auth.setup`. */
  readonly action: string;
  /** The person runs this server. */
  readonly isOperator?: boolean;
  /** What brought the person here; they join the organisation that invites. */
  readonly invitation?: InvitationProof | undefined;
  /** Runs first in the transaction; throws to refuse. */
  readonly admit?: (tx: Tx) => Promise<void>;
}

/** askForProof sends the link that shows whose the address is, where mail can be sent and no invitation has shown it. */
async function askForProof(ctx: RequestContext, tx: Tx, userId: string, account: NewAccount): Promise<void> {
  const { mail, config, identity } = ctx.services;
  if (!mail.isConfigured) return;
  const proved = await tx.query({ text: 'select from auth.users where id = $1 and email_verified', values: [userId] });
  if (proved.length > 0) return;
  const { email, name } = account;
  const token = await createProof(tx, { userId, purpose: 'verify', email }, new Date(internalsOf(identity).now()));
  await queueVerifyMail(tx, { mail, config }, { id: userId, name, email }, token);
}

/** createAccount hashes before it opens the transaction: no connection waits for Argon2. Sets the session cookie. */
export async function createAccount(ctx: RequestContext, creation: AccountCreation): Promise<SignedInPerson> {
  const { db, audit, identity } = ctx.services;
  const { hasher, engine, listApps } = internalsOf(identity);
  const { account } = creation;
  const newPasswordHash = await hasher.hash(creation.password);
  await engine.warm();
  const { cookies, person, replacedSessionId } = await db.withAuth(async (tx) => {
    await creation.admit?.(tx);
    const chooseTenant = (userId: string) => createPersonalOrganization(tx, { id: userId, name: account.name });
    const { principal, cookies: made } = await engine.signUp({ tx, newPasswordHash, chooseTenant }, account, ctx);
    if (creation.isOperator) {
      await tx.query({ text: 'update auth.users set is_operator = true where id = $1', values: [principal.userId] });
    }
    await audit.record(tx, {
      action: creation.action,
      resource: `user:${principal.userId}`,
      actor: principal,
      tenantId: principal.tenantId,
      address: ctx.address,
      requestId: ctx.requestId,
      device: describeDevice(ctx.userAgent),
    });
    const replaced = await endReplacedSession(ctx, tx);
    const { invitation } = creation;
    const actsAs = invitation ? await joinAtSignUp(ctx, tx, principal, invitation) : principal;
    await askForProof(ctx, tx, principal.userId, account);
    return { cookies: made, person: await readPerson(tx, actsAs, listApps()), replacedSessionId: replaced };
  });
  if (replacedSessionId !== null) identity.forget(`session:${replacedSessionId}`);
  ctx.setCookies(cookies);
  return person;
}
