/** The shape of Web Push: short messages to the browsers a person chose. */
import type { Tx } from '#kernel/db';

/** PushMessage is what a browser shows; `text` reaches only browsers that allow it. */
export interface PushMessage {
  readonly title: string;
  readonly text: string;
  /** Path in this app that opening leads to, such as `/notifications`. */
  readonly link: string;
  /** Messages of the same tag replace each other on the screen. */
  readonly tag: string;
}

/** Subscription is a browser as it is addressed. */
export interface Subscription {
  readonly id: string;
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

/** PushOutcome is what one try came to. */
export type PushOutcome =
  | { readonly kind: 'sent' }
  /** The browser is not there any more. */
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'failed';
      readonly isPermanent: boolean;
      readonly reason: string;
      readonly retryAfterSeconds?: number;
    };

export interface PushService {
  /** The installation's public key, base64url; made at first use. */
  publicKey(): Promise<string>;
  /** Queues a message for every browser of a person, in a transaction of `withSystem`; returns how many. */
  queue(tx: Tx, ownerId: string, message: PushMessage): Promise<number>;
  /** Sends one message now, outside any transaction, and records the outcome. For the test button. */
  sendNow(subscription: Subscription, message: PushMessage): Promise<PushOutcome>;
  /** Begins to send; for processes that do background work. */
  open(): Promise<void>;
  drain(milliseconds: number): Promise<void>;
  /** Deletes what was settled a week ago; returns how many. */
  prune(): Promise<number>;
  close(): Promise<void>;
}
