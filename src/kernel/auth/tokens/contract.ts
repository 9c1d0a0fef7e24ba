/** The HTTP contract of tokens for phones and programs; a browser has its cookie and is refused here (K2.8). */
import { z } from 'zod';
import { defineContract, id, timestamp } from '#kernel/contract';

/** Control characters have no place in a name. */
const printable = /^\P{Cc}*$/u;

const token = z.string().min(20).max(200);

const printableName = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .regex(printable, 'Control characters are not allowed')
  .describe('What its owner knows the device by')
  .meta({ examples: ['Ada’s phone'] });

/** tokenPair is what a device keeps: the access token for its requests, the refresh token for the next pair. */
export const tokenPair = z.strictObject({
  tokenType: z.literal('Bearer'),
  accessToken: z.string().describe('For `Authorization: Bearer bat_…`'),
  accessTokenExpiresAt: timestamp,
  refreshToken: z.string().describe('Good for one refresh; the answer holds the next one'),
  refreshTokenExpiresAt: timestamp.describe(
    'At most four hours after the access token; then the device signs in again',
  ),
  device: z.strictObject({
    id: id.describe('Listed among my sessions, and ended there'),
    name: z.string(),
    expiresAt: timestamp.describe('When it signs in again, however often it refreshes'),
  }),
});

export const tokensContract = defineContract({
  'POST /auth/token': {
    summary: 'Sign in from a phone or program and get its tokens',
    body: z.strictObject({
      identifier: z
        .string()
        .trim()
        .min(1)
        .max(254)
        .regex(printable, 'Control characters are not allowed')
        .describe('E-mail address or username'),
      password: z.string().min(1).max(1000, 'A password has at most 1000 characters'),
      deviceName: printableName,
      secondFactor: z
        .strictObject({ method: z.enum(['totp', 'recovery-code']), code: z.string().trim().min(1).max(100) })
        .optional()
        .describe('For accounts that ask for a second step; the refusal without it names the methods'),
      organisationId: id.optional().describe('Where the tokens work; by default where I start in the browser'),
    }),
    response: tokenPair,
    status: 201,
  },
  'POST /auth/device-codes': {
    summary: 'Consent, in my browser, that an app signs in as me (authorization code with PKCE)',
    body: z.strictObject({
      codeChallenge: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'SHA-256 of the verifier, in base64url'),
      redirectUri: z
        .string()
        .max(500)
        .describe('The app’s own scheme, such as `com.example.app:/signed-in`, or a loopback address'),
      deviceName: printableName,
      state: z.string().max(500).optional().describe('Comes back to the app as it is'),
    }),
    response: z.strictObject({
      redirectTo: z.string().describe('Where the browser goes now, with `code` and `state`'),
    }),
  },
  'POST /auth/token/exchange': {
    summary: 'Exchange the code of a consent for the tokens of a device',
    body: z.strictObject({
      code: token,
      codeVerifier: z.string().regex(/^[A-Za-z0-9._~-]{43,128}$/, '43 to 128 letters, digits and -._~'),
      redirectUri: z.string().max(500),
    }),
    response: tokenPair,
    status: 201,
  },
  'POST /auth/token/refresh': {
    summary: 'Exchange the refresh token for the next pair of tokens',
    body: z.strictObject({ refreshToken: token }),
    response: tokenPair,
  },
  'POST /auth/token/revoke': {
    summary: 'Sign the device out, with its refresh token; what is no token of ours is no error',
    body: z.strictObject({ refreshToken: token }),
  },
});
