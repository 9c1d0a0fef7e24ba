/** The HTTP contract of the outbox: what the server sent, keeps or could not deliver, for who runs it. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

export const mailState = z
  .enum(['kept', 'waiting', 'sent', 'failed'])
  .describe('kept: there was no mail server; waiting: to be sent; sent: the mail server took it; failed: given up');

/** outboxMessage is a message without its text. */
export const outboxMessage = z.strictObject({
  id,
  kind: z.string(),
  to: z.string(),
  subject: z.string(),
  state: mailState,
  attempts: z.int(),
  lastError: z.string().nullable().describe('In the words of the mail server'),
  nextTryAt: timestamp.nullable(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
});

const mailParams = z.strictObject({ mailId: id });

export const mailContract = defineContract({
  'GET /admin/outbox': {
    summary: 'List outgoing mail, newest first',
    query: pageQuery.extend({
      state: mailState.optional(),
      search: z.string().trim().min(1).max(200).optional().describe('Part of the address or the subject'),
    }),
    response: page(outboxMessage),
  },
  'GET /admin/outbox/{mailId}': {
    summary: 'Read an outgoing message; the text of delivered ones has been erased',
    params: mailParams,
    response: outboxMessage.extend({ text: z.string().nullable() }),
  },
  'POST /admin/outbox/{mailId}/retry': {
    summary: 'Send a message that was kept or has failed, or try a waiting one now',
    params: mailParams,
    response: outboxMessage,
  },
  'GET /admin/outbox-status': {
    summary: 'Whether there is a mail server, and how many messages are in each state',
    response: z.strictObject({
      isConfigured: z.boolean(),
      counts: z.strictObject({ kept: z.int(), waiting: z.int(), sent: z.int(), failed: z.int() }),
    }),
  },
});
