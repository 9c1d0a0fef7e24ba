/** The HTTP contract of support access: asked by who runs the server, answered by an owner, ended by either or by the clock. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

export const supportState = z
  .enum(['asked', 'granted', 'refused', 'revoked', 'withdrawn', 'ended'])
  .describe('asked: waits for an owner; granted: open until `expiresAt`; ended: its time is over');

export const supportGrant = z.strictObject({
  id,
  organisationId: id,
  organisationName: z.string(),
  askedBy: z.string().describe('Name of who asked, and who alone may look'),
  reason: z.string(),
  hours: z.int(),
  state: supportState,
  answeredBy: z.string().nullable(),
  answeredAt: timestamp.nullable(),
  expiresAt: timestamp.describe('Until when the question, or once granted the access, stands'),
  createdAt: timestamp,
});

const grantParams = z.strictObject({ grantId: id });

export const supportContract = defineContract({
  'GET /admin/support-access': {
    summary: 'List what I asked of organisations, newest first',
    query: pageQuery.extend({ organisationId: id.optional() }),
    response: page(supportGrant),
  },
  'POST /admin/organisations/{organisationId}/support-access': {
    summary: 'Ask an organisation to be let in for some hours, to read',
    params: z.strictObject({ organisationId: id }),
    body: z.strictObject({
      reason: z.string().trim().min(1).max(1_000).describe('Why; its owners read it'),
      hours: z.int().min(1).max(24),
    }),
    response: supportGrant,
    status: 201,
  },
  'POST /admin/support-access/{grantId}/withdraw': {
    summary: 'Take a question back, or give an access up',
    params: grantParams,
    response: supportGrant,
  },
  'POST /admin/support-access/{grantId}/visit': {
    summary: 'Look into the organisation with this session; nothing but reading works until the visit ends',
    params: grantParams,
    response: supportGrant,
  },
  'POST /support-visit/end': {
    summary: 'End the visit: the session works in one’s own organisation again',
    status: 204,
  },
  'GET /support-access': {
    summary: 'List who asked to look into the current organisation, newest first',
    query: pageQuery,
    response: page(supportGrant),
  },
  'POST /support-access/{grantId}/consent': {
    summary: 'Let who runs the server look into the organisation, for the hours asked for, without changing anything',
    params: grantParams,
    response: supportGrant,
  },
  'POST /support-access/{grantId}/refuse': {
    summary: 'Refuse to be looked into',
    params: grantParams,
    response: supportGrant,
  },
  'POST /support-access/{grantId}/revoke': {
    summary: 'End the access at once',
    params: grantParams,
    response: supportGrant,
  },
});

export type SupportGrant = z.output<typeof supportGrant>;
