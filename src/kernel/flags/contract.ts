/** The HTTP contract of feature flags, for who runs the server. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

const flagName = z.string().regex(/^[a-z][a-z0-9.-]{0,79}$/, 'Not the name of a flag');
const flagParams = z.strictObject({ flagName });
const rolloutPercent = z
  .int()
  .min(0)
  .max(100)
  .nullable()
  .describe('For how many organisations of a hundred it is on; null is the default of the code');

export const flagSummary = z.strictObject({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  default: z.boolean(),
  rolloutPercent,
  exceptions: z.int().describe('Organisations that have it another way'),
  updatedAt: timestamp.nullable(),
});

export const flagException = z.strictObject({
  organisationId: id,
  organisationName: z.string(),
  isOn: z.boolean(),
  updatedAt: timestamp,
});

export const flagsContract = defineContract({
  'GET /admin/flags': {
    summary: 'All feature flags, by name',
    response: z.strictObject({ flags: z.array(flagSummary) }),
  },
  'PUT /admin/flags/{flagName}': {
    summary: 'Switch a flag for everybody, for a share of all organisations, or back to its default',
    params: flagParams,
    body: z.strictObject({ rolloutPercent }),
    response: flagSummary,
  },
  'GET /admin/flags/{flagName}/organisations': {
    summary: 'Organisations that have a flag another way, by id',
    params: flagParams,
    query: pageQuery,
    response: page(flagException),
  },
  'PUT /admin/flags/{flagName}/organisations/{organisationId}': {
    summary: 'Switch a flag for one organisation; null makes it one like the others',
    params: z.strictObject({ flagName, organisationId: id }),
    body: z.strictObject({ isOn: z.boolean().nullable() }),
  },
});
