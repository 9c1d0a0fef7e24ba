/** The shape of mail: queued in the transaction of what it tells of, sent after the commit. */
import type { Tx } from '#kernel/db';

/** NewMail is one message to one person. */
export interface NewMail {
  /** A single address, such as `ada@example.com`. */
  readonly to: string;
  /** One line. */
  readonly subject: string;
  readonly text: string;
  /** Made by `renderMail`; people's words stand in it escaped only. */
  readonly html?: string;
  /** What it is for, dotted, such as `auth.password-reset`. */
  readonly kind: string;
  /** Person whose account it is about: it goes when the account is erased, whichever address it went to. */
  readonly accountId?: string;
  /** Organisation in whose name it is sent. Default: that of the transaction, else the server itself. */
  readonly tenantId?: string;
}

export interface MailService {
  /** False without MAIL_SMTP_URL: messages are then kept in the outbox, where the operator reads them. */
  readonly isConfigured: boolean;
  /**
   * Queues a message in the caller's transaction, of whichever door, and returns its id. It leaves after the commit, and
   * never when the transaction rolls back. Throws MAIL_ADDRESS_INVALID.
   */
  queue(tx: Tx, mail: NewMail): Promise<string>;
  /** Begins to send; for processes that do background work. */
  open(): Promise<void>;
  /** Sends nothing more, and waits for what is under way, so long at most. */
  drain(milliseconds: number): Promise<void>;
  /** Deletes messages older than MAIL_KEEP_DAYS that are not waiting; returns how many. */
  prune(): Promise<number>;
  close(): Promise<void>;
}
