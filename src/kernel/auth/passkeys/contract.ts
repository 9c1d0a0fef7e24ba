/** The API of passkeys. What browsers are told and answer keeps WebAuthn's own names, in JSON with base64url. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';
import { signedInPerson } from '../contract.ts';

/** bytes is binary data of a bounded length. */
const bytes = (most: number) =>
  z
    .string()
    .min(1)
    .max(Math.ceil((most * 4) / 3))
    .regex(/^[\w-]+$/, 'Only base64url without padding');

const transport = z.string().regex(/^[a-z-]{1,32}$/);
const credentialId = bytes(1023).describe('The credential’s id');
const descriptor = z.strictObject({ id: z.string(), type: z.literal('public-key'), transports: z.array(z.string()) });

/** passkeyAnswer is what `navigator.credentials.get` gave: PublicKeyCredential with its response, flattened. */
export const passkeyAnswer = z.strictObject({
  id: credentialId,
  clientDataJSON: bytes(4096),
  authenticatorData: bytes(4096),
  signature: bytes(8192),
  userHandle: bytes(64).optional(),
});

/** newPasskeyAnswer is what `navigator.credentials.create` gave. */
export const newPasskeyAnswer = z.strictObject({
  id: credentialId,
  clientDataJSON: bytes(4096),
  attestationObject: bytes(32_768),
  transports: z.array(transport).max(10).default([]),
});

/** passkeyRequest is for `navigator.credentials.get`. */
export const passkeyRequest = z.strictObject({
  challenge: z.string(),
  rpId: z.string(),
  timeout: z.int().describe('Milliseconds'),
  userVerification: z.literal('required'),
  allowCredentials: z.array(descriptor).describe('Empty when any passkey for this server may answer'),
});

/** passkeyCreation is for `navigator.credentials.create`. */
export const passkeyCreation = z.strictObject({
  challenge: z.string(),
  rp: z.strictObject({ id: z.string(), name: z.string() }),
  user: z.strictObject({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.strictObject({ type: z.literal('public-key'), alg: z.int() })),
  timeout: z.int().describe('Milliseconds'),
  excludeCredentials: z.array(descriptor),
  authenticatorSelection: z.strictObject({
    residentKey: z.literal('required'),
    requireResidentKey: z.literal(true),
    userVerification: z.literal('required'),
  }),
  attestation: z.literal('none'),
});

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, 'Control characters are not allowed')
  .describe('How I call it');

export const passkey = z.strictObject({
  id,
  name: z.string(),
  isSynced: z.boolean().describe('Whether it is copied to my other devices'),
  createdAt: timestamp,
  lastUsedAt: timestamp.nullable(),
});

export const passkeysContract = defineContract({
  'GET /passkeys': { summary: 'My passkeys, newest first', query: pageQuery, response: page(passkey) },
  'POST /passkeys/options': { summary: 'Begin to add a passkey', response: passkeyCreation },
  'POST /passkeys': {
    summary: 'Add the passkey that the browser made',
    body: z.strictObject({ name: name.optional(), credential: newPasskeyAnswer }),
    response: passkey,
    status: 201,
  },
  'PATCH /passkeys/{passkeyId}': {
    summary: 'Rename a passkey',
    params: z.strictObject({ passkeyId: id }),
    body: z.strictObject({ name }),
    response: passkey,
  },
  'DELETE /passkeys/{passkeyId}': { summary: 'Remove a passkey', params: z.strictObject({ passkeyId: id }) },
  'POST /auth/sign-in/passkey-options': {
    summary: 'Begin to sign in with a passkey',
    response: passkeyRequest,
  },
  'POST /auth/sign-in/passkey': {
    summary: 'Sign in with a passkey alone',
    body: z.strictObject({ credential: passkeyAnswer }),
    response: signedInPerson,
  },
  'POST /auth/second-factor/passkey-options': {
    summary: 'Begin the second step of signing in with a passkey',
    response: passkeyRequest,
  },
  'POST /auth/second-factor/passkey': {
    summary: 'Do the second step of signing in with a passkey',
    body: z.strictObject({ credential: passkeyAnswer, trustDevice: z.boolean().default(false) }),
    response: signedInPerson,
  },
  'POST /auth/step-up/passkey-options': {
    summary: 'Begin to show again who I am, with a passkey',
    response: passkeyRequest,
  },
  'POST /auth/step-up/passkey': {
    summary: 'Show again who I am, with a passkey',
    body: z.strictObject({ credential: passkeyAnswer }),
  },
});
