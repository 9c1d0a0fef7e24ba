/** The HTTP contract of an organisation's side of its directory: tokens, and which group stands for which role. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

const scimToken = z.strictObject({
  id,
  name: z.string(),
  lastUsedAt: timestamp.nullable().describe('Exact to about a minute'),
  createdAt: timestamp,
});

export const directoryGroup = z.strictObject({
  id,
  name: z.string(),
  role: z.enum(['admin', 'member', 'viewer']).nullable(),
  memberCount: z.int(),
});

export const directoryContract = defineContract({
  'GET /directory/tokens': {
    summary: 'List the tokens of the organisation’s directory, newest first',
    query: pageQuery,
    response: page(scimToken),
  },
  'POST /directory/tokens': {
    summary: 'Make a token for the organisation’s directory; the answer is the only place where it is shown',
    body: z.strictObject({
      name: z
        .string()
        .trim()
        .min(1)
        .max(80)
        .regex(/^\P{Cc}*$/u, 'Control characters are not allowed')
        .meta({ examples: ['Entra ID'] }),
    }),
    response: z.strictObject({
      token: scimToken,
      secret: z.string().describe('The token: `Authorization: Bearer bsc_…`'),
    }),
    status: 201,
  },
  'DELETE /directory/tokens/{directoryTokenId}': {
    summary: 'Revoke a token of the directory; the people it provisioned stay',
    params: z.strictObject({ directoryTokenId: id }),
  },
  'GET /directory/groups': {
    summary: 'List the groups that the directory provisions, newest first',
    query: pageQuery,
    response: page(directoryGroup),
  },
  'PATCH /directory/groups/{directoryGroupId}': {
    summary: 'Say which role the members of a group have here; null: none of its own',
    params: z.strictObject({ directoryGroupId: id }),
    body: z.strictObject({ role: z.enum(['admin', 'member', 'viewer']).nullable() }),
    response: directoryGroup,
  },
});
