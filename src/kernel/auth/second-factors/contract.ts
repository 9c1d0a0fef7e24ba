/** The API of second factors: what a person has set up, the second step of signing in, and the devices that skip it. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';
import { secondFactorNeeded, signedInPerson } from '../contract.ts';

/** totpCode is what an authenticator app shows; blanks between the digits are fine. */
const totpCode = z
  .string()
  .max(20)
  .transform((text) => text.replaceAll(/\s/g, ''))
  .pipe(z.string().regex(/^\d{6}$/, 'The code has six digits'))
  .describe('The six digits that the app shows');

const recoveryCodes = z.array(z.string()).describe('Shown this once; each works once');

/** newRecoveryCodes come with the first factor; null when the person has a set already. */
const newRecoveryCodes = z.strictObject({ recoveryCodes: recoveryCodes.nullable() });

/** secondFactorState is what a person has set up. */
export const secondFactorState = z.strictObject({
  isTotpActive: z.boolean().describe('Whether an authenticator app is set up'),
  isPasskeyAsked: z.boolean().describe('Whether a passkey is asked for after the first step'),
  passkeys: z.int(),
  recoveryCodesLeft: z.int(),
  hasPassword: z.boolean(),
  passkeyHost: z.string().nullable().describe('The host name that passkeys are bound to; null where there can be none'),
});

export const trustedDevice = z.strictObject({
  id,
  device: z.string().describe('Browser and system, as far as they say'),
  address: z.string().nullable(),
  createdAt: timestamp,
  lastUsedAt: timestamp.describe('When it last spared the second step'),
  expiresAt: timestamp,
});

const trustDevice = z.boolean().default(false).describe('Whether this browser is not asked again for 30 days');

export const secondFactorsContract = defineContract({
  'GET /auth/second-factor': {
    summary: 'Whether the second step of signing in is awaited from this browser, and what it may be',
    response: z.strictObject({ secondFactor: secondFactorNeeded.shape.secondFactor.nullable() }),
  },
  'POST /auth/second-factor': {
    summary: 'Do the second step of signing in with a code',
    body: z.strictObject({
      method: z.enum(['totp', 'recovery-code']),
      code: z.string().trim().min(6).max(60).describe('From the app, or one of the recovery codes'),
      trustDevice,
    }),
    response: signedInPerson,
  },
  'DELETE /auth/second-factor': { summary: 'Give up a sign-in whose second step is awaited' },
  'GET /second-factors': { summary: 'My second factors', response: secondFactorState },
  'POST /second-factors/totp': {
    summary: 'Begin to set up an authenticator app; it counts once confirmed',
    response: z.strictObject({
      secret: z.string().describe('Base32, to type into the app'),
      uri: z.string().describe('The same for a QR code'),
    }),
  },
  'POST /second-factors/totp/confirm': {
    summary: 'Show by a first code that the app is set up, and have it asked for from now on',
    body: z.strictObject({ code: totpCode }),
    response: newRecoveryCodes,
  },
  'DELETE /second-factors/totp': { summary: 'Remove the authenticator app' },
  'PUT /second-factors/passkey': {
    summary: 'Have a passkey asked for after the password, or no longer',
    body: z.strictObject({ isAsked: z.boolean() }),
    response: newRecoveryCodes,
  },
  'POST /second-factors/recovery-codes': {
    summary: 'Replace my recovery codes',
    response: z.strictObject({ recoveryCodes }),
  },
  'GET /trusted-devices': {
    summary: 'Browsers that skip the second step, newest first',
    query: pageQuery,
    response: page(trustedDevice),
  },
  'DELETE /trusted-devices/{trustedDeviceId}': {
    summary: 'Trust a browser no longer',
    params: z.strictObject({ trustedDeviceId: id }),
  },
  'POST /trusted-devices/revoke-all': {
    summary: 'Trust no browser any longer',
    response: z.strictObject({ revoked: z.int() }),
  },
});
