/** An account is made whole or not at all: user, organisation, password, session and audit in one transaction. */
import type { RequestContext } from '#kernel/http';
import type { Tx } from '#kernel/db';
import { createPersonalOrganization } from '#kernel/tenancy';
import type { NewAccount } from './account-engine.ts';
import { internalsOf } from './create-identity.ts';
import { authErrors } from './errors.ts';
import { findFailedRules, passwordRuleTexts, type PasswordPolicy } from './password-policy.ts';
import { readPerson, type SignedInPerson } from './signed-in-person.ts';

/** passwordPolicyOf is the policy of an installation. */
export function passwordPolicyOf(config: { passwordMinLength: number; passwordClasses: boolean }): PasswordPolicy {
  return { minLength: config.passwordMinLength, needsClasses: config.passwordClasses };
}

/** assertPassword throws PASSWORD_REFUSED naming each broken rule: in `errors` at `pointer`, and as `failedRules`. */
export async function assertPassword(
  password: string,
  policy: PasswordPolicy,
  userInputs: readonly string[],
  pointer: string,
): Promise<void> {
  const failedRules = await findFailedRules(password, policy, userInputs);
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
  /** Runs first in the transaction; throws to refuse. */
  readonly admit?: (tx: Tx) => Promise<void>;
}

/** createAccount hashes before it opens the transaction: no connection waits for Argon2. Sets the session cookie. */
export async function createAccount(ctx: RequestContext, creation: AccountCreation): Promise<SignedInPerson> {
  const { db, audit, identity } = ctx.services;
  const { hasher, engine, listApps } = internalsOf(identity);
  const { account } = creation;
  const newPasswordHash = await hasher.hash(creation.password);
  await engine.warm();
  const { cookies, person } = await db.withAuth(async (tx) => {
    await creation.admit?.(tx);
    const chooseTenant = (userId: string) => createPersonalOrganization(tx, { id: userId, name: account.name });
    const { principal, cookies: made } = await engine.signUp({ tx, newPasswordHash, chooseTenant }, account, ctx);
    await audit.record(tx, {
      action: creation.action,
      resource: `user:${principal.userId}`,
      actor: principal,
      tenantId: principal.tenantId,
      address: ctx.address,
      requestId: ctx.requestId,
    });
    return { cookies: made, person: await readPerson(tx, principal, listApps()) };
  });
  ctx.setCookies(cookies);
  return person;
}
