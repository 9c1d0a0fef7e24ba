/** The HTTP contract of the audit trail: the organisation's records, filtered, exported and verified. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

const filters = {
  actorUserId: id.optional().describe('Records of this person'),
  actorKind: z
    .enum(['session', 'run', 'key', 'token', 'support', 'system'])
    .optional()
    .describe(
      'How it was done: signed in, by a run, with an API key, from a phone, as the operator, by Bulkhead itself',
    ),
  action: z.string().trim().min(1).max(200).optional().describe('Beginning of the action, such as `agents.`'),
  resource: z.string().trim().min(1).max(200).optional().describe('Beginning of the resource, such as `agent:`'),
  from: timestamp.optional().describe('Not before this moment'),
  to: timestamp.optional().describe('Before this moment'),
};

/** auditFilters are what list and export accept alike. */
export const auditFilters = z.strictObject(filters);

export const auditRecord = z.strictObject({
  id,
  sequence: z.int().describe('Place in the chain, from 1'),
  occurredAt: timestamp,
  action: z.string(),
  resource: z.string().describe('`kind:id`; `user:` once the person was erased'),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  actor: z.strictObject({
    kind: z.string(),
    userId: id.nullable(),
    name: z.string().nullable().describe('Null for the system, and for people whose account is gone'),
    via: z
      .string()
      .describe('Id of the session, run or key; the reason of the system; empty once the person was erased'),
  }),
  address: z.string().nullable(),
  device: z.string().nullable(),
  requestId: z.string().nullable(),
  anonymised: z
    .strictObject({
      at: timestamp,
      fields: z
        .array(z.string())
        .describe('What was taken out, such as `address` or `details.holder`; null or empty since'),
    })
    .nullable()
    .describe('Set once somebody in it was erased: who acted, or who was acted on'),
  hash: z.string().describe('SHA-256 of the chain up to here, in hex'),
});

export const auditActor = z.strictObject({ userId: id, name: z.string().nullable() });

export const auditAction = z.strictObject({
  action: z.string().describe('As in records, such as `agents.agent.create`'),
  label: z.string().describe('For people, such as `Agent created`'),
});

export const auditVerdict = z.strictObject({
  checked: z.int().describe('Records that fit'),
  brokenAt: z.int().nullable().describe('Place of the first record that does not fit; null when the trail is whole'),
  reason: z.enum(['changed', 'missing', 'truncated', 'inserted']).nullable(),
  anonymised: z
    .int()
    .describe('Records that somebody who was erased was taken out of; each is vouched for in the chain'),
  prunedThrough: z.int().nullable().describe('Place of the last record that retention removed'),
});

export const auditContract = defineContract({
  'GET /audit-records': {
    summary: 'List the audit records of the organisation, newest first',
    query: pageQuery.extend(filters),
    response: page(auditRecord),
  },
  'GET /audit-actors': {
    summary: 'List the people who appear in the audit trail',
    query: pageQuery,
    response: page(auditActor),
  },
  'GET /audit-actions': {
    summary: 'The actions that may stand in the audit trail, with what they are called',
    response: z.strictObject({ actions: z.array(auditAction) }),
  },
  'GET /audit-records/export': {
    binary: true,
    summary: 'Download audit records, oldest first, as CSV or as one JSON object per line',
    query: auditFilters.extend({ format: z.enum(['csv', 'ndjson']).default('csv') }),
  },
  'GET /audit-records/verification': {
    summary: 'Walk the chain and say whether every record is as it was written; as a stream, with progress',
    response: auditVerdict,
    stream: true,
  },
});

export type AuditRecord = z.output<typeof auditRecord>;
export type AuditFilters = z.output<typeof auditFilters>;
