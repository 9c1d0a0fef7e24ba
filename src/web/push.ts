/** Web Push in this browser: whether it can, whether it does, switching it on and off; the service worker starts no sooner. */
import type { pushContract } from '../kernel/push/contract.ts';
import { createApi, type ItemOf } from './api.ts';

export const pushApi = createApi<typeof pushContract>();

export type PushDevice = ItemOf<(typeof pushContract)['GET /push-subscriptions']>;

/** PushState is what this browser makes of Web Push: `insecure` asks for https, `blocked` for a change in the browser. */
export type PushState = 'unsupported' | 'insecure' | 'blocked' | 'off' | 'on';

/** One of the few addresses of code that `boot/guard-document.ts` lets through. */
const worker = '/sw.js';
/** Who switched it on here: another person at this browser has to do so too. */
const ownerKey = 'bulkhead.push';

async function currentSubscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration(worker);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** readPushState never fails: what the browser refuses to say counts as unsupported. */
export async function readPushState(userId: string): Promise<PushState> {
  if (!isSecureContext) return 'insecure';
  if (!('serviceWorker' in navigator) || !('PushManager' in globalThis) || !('Notification' in globalThis))
    return 'unsupported';
  if (Notification.permission === 'denied') return 'blocked';
  try {
    return readOwner() === userId && (await currentSubscription()) ? 'on' : 'off';
  } catch {
    return 'unsupported'; // a private window of some browsers
  }
}

/** enablePush asks the person, subscribes and tells the server; returns the state that came of it. */
export async function enablePush(userId: string): Promise<PushState> {
  if ((await Notification.requestPermission()) !== 'granted') return readPushState(userId);
  await navigator.serviceWorker.register(worker, { scope: '/' });
  const registration = await navigator.serviceWorker.ready;
  const { publicKey } = await pushApi('GET /push-key');
  // A subscription made with another key of the server, or by another person, is of no use.
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: toBytes(publicKey),
  });
  await announce(subscription);
  writeOwner(userId);
  return 'on';
}

/** disablePush ends the subscription in the browser; the server forgets it at the next message, or by its list of devices. */
export async function disablePush(): Promise<void> {
  writeOwner(null);
  await (await currentSubscription())?.unsubscribe();
}

/** keepPush tells the server once per tab of a subscription that ended with an older session of the same person. */
export async function keepPush(userId: string): Promise<void> {
  if ((await readPushState(userId)) !== 'on') return;
  const devices = await pushApi('GET /push-subscriptions', { query: {} });
  if (devices.items.some((device) => device.isThisSession)) return;
  const subscription = await currentSubscription();
  if (subscription) await announce(subscription);
}

async function announce(subscription: PushSubscription): Promise<void> {
  const { endpoint = '', keys = {} } = subscription.toJSON();
  await pushApi('POST /push-subscriptions', {
    body: { endpoint, keys: { p256dh: keys['p256dh'] ?? '', auth: keys['auth'] ?? '' } },
  });
}

function toBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

function readOwner(): string | null {
  try {
    return localStorage.getItem(ownerKey);
  } catch {
    return null; // storage is blocked: push has to be switched on in each tab
  }
}

function writeOwner(userId: string | null): void {
  try {
    if (userId === null) localStorage.removeItem(ownerKey);
    else localStorage.setItem(ownerKey, userId);
  } catch {
    // storage is blocked: this tab knows, the next has to ask again
  }
}
