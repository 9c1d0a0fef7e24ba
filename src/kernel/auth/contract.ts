/** The identity API: setting up, signing in and out, sessions, profile. No answer carries a session token (K2.8). */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

/** password is any text of 1 to 1,000 UTF-16 units; longer ones are refused before any work is done for them. */
export const password = z
  .string()
  .min(1)
  .max(1000, 'A password has at most 1000 characters')
  .describe('Password; pasting is fine');
export const emailAddress = z.email().max(254).toLowerCase().describe('E-mail address; case does not matter');
/** PostgreSQL stores no NUL, and control characters have no place in a name. */
const printable = /^\P{Cc}*$/u;
const personName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(printable, 'Control characters are not allowed')
  .describe('How the person is called');
const username = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._-]{2,31}$/, '3 to 32 letters, digits, dots, dashes or underscores')
  .describe('Another name to sign in with');

const role = z.enum(['owner', 'admin', 'member', 'viewer']);

/** signedInPerson is who one is, where one works, and what one may do there. */
export const signedInPerson = z.strictObject({
  user: z.strictObject({
    id,
    name: z.string(),
    email: z.string(),
    isEmailVerified: z.boolean().describe('Whether I have shown that the address is mine'),
    username: z.string().nullable(),
    pictureUrl: z
      .string()
      .nullable()
      .describe('Path of the picture, 96 pixels; `&size=320` and `&size=512` are larger'),
  }),
  organisation: z.strictObject({ id, name: z.string(), isPersonal: z.boolean() }),
  role,
  support: z
    .strictObject({ until: timestamp })
    .optional()
    .describe('Present while I look into this organisation by its consent: I read, and change nothing'),
  isOperator: z.boolean().describe('Whether I run this server'),
  permissions: z.array(z.string()),
  apps: z.array(z.strictObject({ id: z.string(), title: z.string(), tagline: z.string() })),
});

/** secondFactorNeeded is the answer to a first step that is not enough; what ties it to the second is a cookie. */
export const secondFactorNeeded = z.strictObject({
  secondFactor: z.strictObject({
    methods: z.array(z.enum(['passkey', 'totp', 'recovery-code'])).describe('What the second step may be'),
    expiresAt: timestamp.describe('Until when'),
  }),
});

export const sessionSummary = z.strictObject({
  id,
  kind: z.enum(['browser', 'device']).describe('device: a phone or program with tokens'),
  device: z.string().describe('Browser and system, as far as they say'),
  address: z.string().nullable(),
  createdAt: timestamp,
  lastUsedAt: timestamp.describe('Exact to about a minute'),
  expiresAt: timestamp.describe('When it ends at the latest; unused it ends sooner'),
  isCurrent: z.boolean(),
});

export const setupState = z.strictObject({
  isOpen: z.boolean().describe('True until the owner exists'),
  isSignUpOpen: z.boolean(),
  passkeyHost: z.string().nullable().describe('The host name that passkeys are bound to; null where there can be none'),
  isMailConfigured: z.boolean().describe('False when mail waits in the outbox of who runs the server'),
  passwordPolicy: z.strictObject({ minLength: z.int(), maxLength: z.int(), needsClasses: z.boolean() }),
});

export const authContract = defineContract({
  'GET /setup': {
    summary: 'Whether this server still waits for its owner, and what it asks of passwords',
    response: setupState,
  },
  'POST /setup': {
    summary: 'Create the owner with the link the server printed, and sign in',
    body: z.strictObject({
      token: z.string().min(20).max(200),
      name: personName,
      email: emailAddress,
      username: username.optional(),
      password,
    }),
    response: signedInPerson,
    status: 201,
  },
  'POST /auth/sign-up': {
    summary: 'Create an account and a personal organisation, and sign in',
    body: z.strictObject({
      name: personName,
      email: emailAddress,
      username: username.optional(),
      password,
      invitation: z
        .strictObject({
          token: z.string().min(20).max(200),
          acceptsOtherAddress: z.boolean().default(false).describe('Join although another address was invited'),
        })
        .optional()
        .describe('Lets somebody in although SIGN_UP is closed, and joins the organisation that invites'),
    }),
    response: signedInPerson,
    status: 201,
  },
  'POST /auth/sign-in': {
    summary: 'Sign in with e-mail or username and password',
    body: z.strictObject({
      identifier: z
        .string()
        .trim()
        .min(1)
        .max(254)
        .regex(printable, 'Control characters are not allowed')
        .describe('E-mail address or username'),
      password,
    }),
    response: z.union([signedInPerson, secondFactorNeeded]),
  },
  'POST /auth/step-up': {
    summary: 'Show again who I am, before a sensitive change',
    body: z.strictObject({ password }),
  },
  'POST /auth/sign-out': { summary: 'End this session' },
  'GET /session': { summary: 'Who am I, and what may I do', response: signedInPerson },
  'GET /sessions': { summary: 'My sessions, newest first', query: pageQuery, response: page(sessionSummary) },
  'DELETE /sessions/{sessionId}': { summary: 'End one of my sessions', params: z.strictObject({ sessionId: id }) },
  'POST /sessions/revoke-others': {
    summary: 'End all my sessions but this one',
    response: z.strictObject({ revoked: z.int().describe('How many were ended') }),
  },
  'PATCH /profile': {
    summary: 'Change my name or username',
    body: z.strictObject({ name: personName.optional(), username: username.nullable().optional() }),
    response: signedInPerson,
  },
  'PUT /profile/picture': {
    summary: 'Set my picture: JPEG, PNG or WebP; the middle of it is cut to a square',
    upload: true,
    response: signedInPerson,
  },
  'DELETE /profile/picture': { summary: 'Remove my picture', response: signedInPerson },
  'GET /members/{memberId}/picture': {
    binary: true,
    summary: 'The picture of somebody in the organisation',
    params: z.strictObject({ memberId: id.describe('The person') }),
    query: z.strictObject({
      version: id.describe('Which picture; part of the address that a person is listed with'),
      size: z.enum(['96', '320', '512']).default('96').describe('Pixels it should fill'),
    }),
  },
  'POST /profile/password': {
    summary: 'Change my password; ends my other sessions',
    body: z.strictObject({ currentPassword: password, newPassword: password }),
  },
});
