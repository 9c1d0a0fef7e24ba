/** One try to reach a browser: encrypted for it alone, signed by us, through the guarded way out, bounded in time. */
import webpush from 'web-push';
import { isAppError } from '#kernel/errors';
import type { OutboundClient } from '#kernel/outbound';
import type { PushOutcome, Subscription } from './types.ts';
import type { VapidKeys } from './vapid-keys.ts';

/** Longest try in all, seconds. */
export const pushTimeoutSeconds = 20;

export interface PushRequest {
  readonly subscription: Omit<Subscription, 'id'>;
  /** JSON, 3,000 bytes at most: push services take 4,096 of ciphertext. */
  readonly payload: string;
  readonly ttlSeconds: number;
}

/** sendPush never rejects: whatever happens is an outcome. */
export async function sendPush(outbound: OutboundClient, keys: VapidKeys, request: PushRequest): Promise<PushOutcome> {
  try {
    const { endpoint, headers, body } = encrypt(keys, request);
    const response = await outbound.fetch(endpoint, {
      method: 'POST',
      headers,
      body,
      purpose: 'web',
      headersTimeoutMilliseconds: 10_000,
      totalTimeoutMilliseconds: pushTimeoutSeconds * 1000,
      maxResponseBytes: 16_384,
    });
    response.discard();
    return judge(response.status, response.headers['retry-after']);
  } catch (error) {
    if (!isAppError(error)) return { kind: 'failed', isPermanent: true, reason: 'The message cannot be encrypted.' };
    return { kind: 'failed', isPermanent: !error.isRetryable, reason: error.definition.public };
  }
}

function encrypt({ publicKey, privateKey, subject }: VapidKeys, { subscription, payload, ttlSeconds }: PushRequest) {
  const { endpoint, p256dh, auth } = subscription;
  const details = webpush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
    vapidDetails: { subject, publicKey, privateKey },
    TTL: ttlSeconds,
    urgency: 'normal',
    contentEncoding: 'aes128gcm',
  });
  // The time to live is a number there, whatever its type says.
  const headers = Object.entries(details.headers as Record<string, string | number>).filter(
    ([name]) => name.toLowerCase() !== 'content-length',
  );
  return {
    endpoint,
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), `${value}`])),
    body: new Uint8Array(details.body as Buffer),
  };
}

/** judge follows RFC 8030: 404 and 410 mean that the browser is gone, 429 and 5xx may pass, the rest will not. */
function judge(status: number, retryAfter: string | undefined): PushOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  const isPermanent = status !== 408 && status !== 429 && status < 500;
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  return {
    kind: 'failed',
    isPermanent,
    reason: `The push service answered ${status}.`,
    ...(seconds === undefined ? {} : { retryAfterSeconds: Math.min(seconds, 3_600) }),
  };
}
