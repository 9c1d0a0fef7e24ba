/** The HTTP contract of Web Push: the key to subscribe with, and the browsers that are told. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

/** A base64url text of exactly so many bytes. */
const bytes = (count: number) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((count * 4) / 3)}}$`), `must be ${count} bytes in base64url`);

const allowsText = z.boolean().describe('Whether more than the title may be shown on this device');

/** pushSubscription is a browser as its owner sees it: without its address and keys. */
export const pushSubscription = z.strictObject({
  id,
  device: z.string(),
  isThisSession: z.boolean(),
  allowsText,
  lastSentAt: timestamp.nullable(),
  lastError: z.string().nullable().describe('Why the last message did not get there'),
  createdAt: timestamp,
});

const subscriptionParams = z.strictObject({ subscriptionId: id });

export const pushContract = defineContract({
  'GET /push-key': {
    summary: 'Read the key that browsers subscribe with',
    response: z.strictObject({ publicKey: z.string() }),
  },
  'GET /push-subscriptions': {
    summary: 'List the browsers that are told by Web Push, newest first',
    query: pageQuery,
    response: page(pushSubscription),
  },
  'POST /push-subscriptions': {
    summary: 'Have this browser told; the same browser again is the same subscription',
    body: z.strictObject({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .max(2_000)
        .describe('As the browser gives it'),
      keys: z.strictObject({ p256dh: bytes(65), auth: bytes(16) }),
      allowsText: allowsText.optional().describe('Default: as before, at first only the title'),
    }),
    response: pushSubscription,
    status: 201,
  },
  'PATCH /push-subscriptions/{subscriptionId}': {
    summary: 'Change what a browser may show',
    params: subscriptionParams,
    body: z.strictObject({ allowsText }),
    response: pushSubscription,
  },
  'DELETE /push-subscriptions/{subscriptionId}': {
    summary: 'Tell a browser nothing more',
    params: subscriptionParams,
    status: 204,
  },
  'POST /push-subscriptions/{subscriptionId}/test': {
    summary: 'Send a browser a message now; one that is gone is removed from the list',
    params: subscriptionParams,
    response: z.strictObject({ outcome: z.enum(['sent', 'gone', 'failed']), reason: z.string().nullable() }),
  },
});
