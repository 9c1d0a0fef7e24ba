/** A device signs in by password, and by a code where the account asks for one; it never gets further than a browser would. */
import type { z } from 'zod';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import type { RequestContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { describeDevice } from '../describe-device.ts';
import { chooseHome } from '../account-engine.ts';
import { authErrors } from '../errors.ts';
import { auditForPerson } from '../finish-sign-in.ts';
import { readFactors, secondStepMethods, type SecondStepMethod } from '../second-factors/factor-store.ts';
import { checkCode, codeRule } from '../second-factors/second-step.ts';
import { proveByPassword } from '../sign-in.ts';
import { signOnErrors } from '../sign-on/errors.ts';
import { isSignOnRequired } from '../sign-on/mail-domain.ts';
import { isSwitchedOff } from '../switched-off.ts';
import { takeOrRefuse } from '../take-or-refuse.ts';
import type { tokensContract } from './contract.ts';
import { issuePair, type IssuedTokens, type Lifetimes } from './rotate-tokens.ts';
import { insertFamily, type FamilyRow } from './token-store.ts';

type DeviceSignIn = z.output<(typeof tokensContract)['POST /auth/token']['body']>;

/** auditFamily records what a device does as done by it. */
export async function auditFamily(ctx: RequestContext, tx: Tx, family: FamilyRow, action: string): Promise<void> {
  await ctx.services.audit.record(tx, {
    action,
    resource: `device:${family.id}`,
    actor: {
      userId: family.user_id,
      tenantId: family.tenant_id,
      role: 'viewer', // not part of the record
      via: { kind: 'token', familyId: family.id },
    },
    tenantId: family.tenant_id,
    address: ctx.address,
    requestId: ctx.requestId,
    device: describeDevice(ctx.userAgent),
  });
}

/** chooseTenant is the organisation asked for, or home. Throws NOT_FOUND for one the person is not in. */
async function chooseTenant(tx: Tx, userId: string, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return chooseHome(tx)(userId);
  const values = [wanted, userId];
  const rows = await tx.query({ text: 'select 1 from auth.members where tenant_id = $1 and user_id = $2', values });
  if (rows.length === 0) throw kernelErrors.NOT_FOUND({ detail: 'You do not belong to this organisation.' });
  return wanted;
}

/** NewDevice is whose device it is, where it works and what it is called. */
export interface NewDevice {
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string;
}

/**
 * openDevice makes the device and its first tokens in the caller's transaction; the audit record is its last act. Throws
 * SIGN_IN_FAILED for an account that is switched off.
 */
export async function openDevice(
  ctx: RequestContext,
  tx: Tx,
  device: NewDevice,
  lifetimes: Lifetimes,
): Promise<IssuedTokens> {
  const { config, identity } = ctx.services;
  if (await isSwitchedOff(tx, device.userId)) throw authErrors.SIGN_IN_FAILED();
  const now = identity.now();
  const family: FamilyRow = {
    id: newId(),
    tenant_id: device.tenantId,
    user_id: device.userId,
    device_name: device.name,
    expires_at: new Date(now + config.sessionAbsoluteDays * 86_400_000),
  };
  await insertFamily(tx, { ...family, address: ctx.address, now: new Date(now) });
  const issued = await issuePair(tx, family, now, lifetimes);
  await auditFamily(ctx, tx, family, 'auth.token.issue');
  return issued;
}

async function deviceOf(tx: Tx, userId: string, input: DeviceSignIn): Promise<NewDevice> {
  return { userId, tenantId: await chooseTenant(tx, userId, input.organisationId), name: input.deviceName };
}

/** FirstStep is a right password of an account that asks for more. */
interface FirstStep {
  readonly userId: string;
  readonly methods: readonly SecondStepMethod[];
  readonly passwordHash: string | null;
}

async function lockPassword(tx: Tx, userId: string): Promise<string | null> {
  const [row] = await tx.query<{ password: string | null }>({
    text: `select password from auth.accounts where user_id = $1 and provider_id = 'credential' for update`,
    values: [userId],
  });
  return row?.password ?? null;
}

/**
 * signInDevice throws what signing in throws, SECOND_FACTOR_NEEDED (with the `methods` that can be sent here),
 * SECOND_FACTOR_FAILED, and SIGN_ON_REQUIRED for people whose organisation signs them in itself.
 */
export async function signInDevice(
  ctx: RequestContext,
  input: DeviceSignIn,
  lifetimes: Lifetimes,
): Promise<IssuedTokens> {
  const first = await proveByPassword(ctx, input.identifier, input.password, async (tx, userId) => {
    if (await isSignOnRequired(tx, userId)) throw signOnErrors.SIGN_ON_REQUIRED();
    const methods = secondStepMethods(await readFactors(tx, userId));
    if (methods.length === 0) return openDevice(ctx, tx, await deviceOf(tx, userId, input), lifetimes);
    return { userId, methods, passwordHash: await lockPassword(tx, userId) };
  });
  return 'methods' in first ? finishWithCode(ctx, first, input, lifetimes) : first;
}

async function finishWithCode(
  ctx: RequestContext,
  { userId, methods, passwordHash }: FirstStep,
  input: DeviceSignIn,
  lifetimes: Lifetimes,
): Promise<IssuedTokens> {
  const { secondFactor } = input;
  if (!secondFactor) {
    const possible = methods.filter((method) => method !== 'passkey');
    throw authErrors.SECOND_FACTOR_NEEDED({ extensions: { methods: possible } });
  }
  const { db, limits } = ctx.services;
  const key = `user ${userId}`;
  await takeOrRefuse(ctx, codeRule, key, 'Too many codes were tried for this account. Wait a little and try again.');
  const use = await checkCode(ctx, userId, secondFactor);
  const tokens =
    use &&
    (await db.withAuth(async (tx) => {
      // A password that was changed since the first step has ended all devices; this one must not slip through.
      if ((await lockPassword(tx, userId)) !== passwordHash || !(await use(tx))) return null;
      return openDevice(ctx, tx, await deviceOf(tx, userId, input), lifetimes);
    }));
  if (!tokens) {
    const details = { method: secondFactor.method };
    await db.withAuth((tx) => auditForPerson(ctx, tx, userId, 'auth.second-factor.failed', details));
    throw authErrors.SECOND_FACTOR_FAILED();
  }
  await limits.reset(codeRule, key);
  return tokens;
}
