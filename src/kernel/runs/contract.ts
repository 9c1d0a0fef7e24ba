/** What runs look like to clients: one to look at, to follow and to stop. */
import { z } from 'zod';
import { defineContract, id, timestamp } from '#kernel/contract';

const runParams = z.strictObject({ runId: id });

export const runSummary = z
  .strictObject({
    id,
    state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    workflow: z.string(),
    subject: z.string(),
    attempt: z.number().int().describe('1 at first; one more for each recovery'),
    errorCode: z.string().nullable(),
    createdAt: timestamp,
    finishedAt: timestamp.nullable(),
  })
  .meta({ id: 'Run' });

export const runsContract = defineContract({
  'GET /runs/{runId}': { summary: 'Look at a run', params: runParams, response: runSummary },
  'GET /runs/{runId}/events': {
    summary: 'Follow a run: its events so far, then live until done',
    params: runParams,
    query: z.strictObject({
      after: z
        .string()
        .max(40)
        .optional()
        .describe('Event id to go on from, for clients that cannot send Last-Event-ID'),
    }),
    stream: true,
  },
  'POST /runs/{runId}/cancel': {
    summary: 'Stop a run; what it has said so far is kept',
    params: runParams,
    response: z.strictObject({ wasActive: z.boolean() }),
  },
});
