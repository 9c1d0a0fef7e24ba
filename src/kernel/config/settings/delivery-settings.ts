/** Settings of what is sent to people: mail and push. */
import type { Setting } from '../settings.ts';

export const deliverySettings = {
  MAIL_SMTP_URL: {
    type: 'url',
    schemes: ['smtps', 'smtp'],
    isSecret: true,
    group: 'delivery',
    doc: 'Mail server to send through, such as smtps://user:password@smtp.example.com:465; smtp:// uses STARTTLS. Without it, mail waits in the outbox page.',
  },
  MAIL_FROM: {
    type: 'mailbox',
    requiredWith: 'MAIL_SMTP_URL',
    group: 'delivery',
    doc: 'Sender of all mail, such as Bulkhead <bulkhead@example.com>.',
  },
  MAIL_SMTP_TLS: {
    type: { oneOf: ['required', 'optional'] },
    default: 'required',
    group: 'delivery',
    doc: 'Whether smtp:// insists on STARTTLS; a mail server on this machine is trusted without.',
  },
  MAIL_TIMEOUT_SECONDS: {
    type: 'integer',
    default: '60',
    min: 1,
    max: 600,
    group: 'delivery',
    doc: 'Longest try to hand one message to the mail server.',
  },
  MAIL_MAX_PER_RECIPIENT_HOUR: {
    type: 'integer',
    default: '20',
    min: 1,
    max: 100000,
    group: 'delivery',
    doc: 'Messages one address gets within an hour; more wait.',
  },
  MAIL_KEEP_DAYS: {
    type: 'integer',
    default: '30',
    min: 1,
    max: 3650,
    group: 'delivery',
    doc: 'How long messages stay in the outbox. The text of delivered ones is erased at once.',
  },
  VAPID_PUBLIC_KEY: {
    type: 'base64url',
    min: 65,
    max: 65,
    requiredWith: 'VAPID_PRIVATE_KEY',
    group: 'delivery',
    doc: 'Public key of Web Push, base64url. Without it, a pair is made once and kept in the database, encrypted.',
  },
  VAPID_PRIVATE_KEY: {
    type: 'base64url',
    min: 32,
    max: 32,
    isSecret: true,
    requiredWith: 'VAPID_PUBLIC_KEY',
    group: 'delivery',
    doc: 'Private key of Web Push, base64url.',
  },
  VAPID_SUBJECT: {
    type: 'url',
    schemes: ['mailto', 'https'],
    group: 'delivery',
    doc: 'Whom push services may turn to. Default: PUBLIC_URL when it is https, else the address of MAIL_FROM.',
  },
  NOTIFICATION_KEEP_DAYS: {
    type: 'integer',
    default: '90',
    min: 1,
    max: 3650,
    group: 'delivery',
    doc: 'How long notifications are kept.',
  },
} as const satisfies Record<string, Setting>;
