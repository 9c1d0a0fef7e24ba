/** The HTTP contract of API keys: made once with its secret, then listed, renamed and revoked without it. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

/** Control characters have no place in a name. */
const name = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .regex(/^\P{Cc}*$/u, 'Control characters are not allowed')
  .describe('What the key is for')
  .meta({ examples: ['Nightly import'] });

export const apiKey = z.strictObject({
  id,
  name: z.string(),
  lastFour: z.string().describe('The end of the key, to tell keys apart'),
  owner: z.strictObject({ id, name: z.string() }).describe('Who made it'),
  isMine: z.boolean(),
  state: z.enum(['active', 'expired', 'revoked']),
  scopes: z.array(z.string()),
  lostScopes: z
    .array(z.string())
    .describe('Scopes that the maker’s role does not hold any more; the key cannot use them'),
  addressAllowList: z.array(z.string()),
  requestsPerMinute: z.int(),
  expiresAt: timestamp.nullable(),
  revokedAt: timestamp.nullable(),
  lastUsedAt: timestamp.nullable().describe('Exact to about a minute'),
  lastUsedAddress: z.string().nullable(),
  createdAt: timestamp,
});

export const newApiKey = z.strictObject({
  name,
  scopes: z.array(z.string().max(100)).min(1).max(200).describe('Permissions; see `GET /api-key-scopes`'),
  expiresAt: timestamp.optional().describe('Default: it does not expire'),
  addressAllowList: z
    .array(z.string().trim().max(49))
    .max(50)
    .default([])
    .describe('Networks in CIDR form that the key counts from; empty: from everywhere')
    .meta({ examples: [['203.0.113.0/24']] }),
  requestsPerMinute: z.int().min(1).max(6_000).default(600),
});

const params = z.strictObject({ apiKeyId: id });

export const apiKeysContract = defineContract({
  'GET /api-keys': {
    summary: 'List API keys, newest first: mine, or everybody’s in the organisation',
    query: pageQuery.extend({ of: z.enum(['me', 'everybody']).default('me') }),
    response: page(apiKey),
  },
  'POST /api-keys': {
    summary: 'Make an API key; the answer is the only place where it is shown',
    body: newApiKey,
    response: z.strictObject({ apiKey, secret: z.string().describe('The key: `Authorization: Bearer bhk_…`') }),
    status: 201,
  },
  'PATCH /api-keys/{apiKeyId}': {
    summary: 'Rename an API key',
    params,
    body: z.strictObject({ name }),
    response: apiKey,
  },
  'DELETE /api-keys/{apiKeyId}': {
    summary: 'Revoke an API key, at once and for good',
    params,
  },
  'GET /api-key-scopes': {
    summary: 'The permissions I may give to an API key: those I have',
    response: z.strictObject({
      scopes: z.array(z.strictObject({ permission: z.string(), meaning: z.string(), group: z.string() })),
    }),
  },
});
