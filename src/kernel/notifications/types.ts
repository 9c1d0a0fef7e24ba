/** The shape of notifications: what a module declares, what it says, and what the service does with it. */
import type { Tx } from '#kernel/db';

/** Ways are the means by which a person is told. */
export interface Ways {
  readonly inApp: boolean;
  readonly mail: boolean;
  readonly push: boolean;
}

/** NotificationKind is declared by the module or application that tells of it, in its `notificationKinds`. */
export interface NotificationKind {
  /** Dotted, such as `agents.document.failed`. */
  readonly kind: string;
  /** For the settings page: `A document could not be read`. */
  readonly title: string;
  readonly description?: string;
  /** How people are told until they choose. */
  readonly defaults: Ways;
}

/** NewNotification is one thing one person should know. */
export interface NewNotification {
  readonly tenantId: string;
  readonly userId: string;
  /** A declared kind. */
  readonly kind: string;
  /** One line, 200 characters at most; all that a locked screen shows. */
  readonly title: string;
  readonly text?: string;
  /** Path in this app, such as `/agents`. */
  readonly link?: string;
  /** Id of another person whom title or text name: with their account it goes. */
  readonly aboutUserId?: string;
}

export interface NotificationService {
  /** All declared kinds, in the order of declaration. */
  readonly kinds: readonly NotificationKind[];
  /**
   * Writes a notification in the caller's transaction, of whichever door, and returns its id. After the commit it goes on
   * to the person's browsers and mailbox as they chose. Throws when the kind is not declared.
   */
  notify(tx: Tx, notification: NewNotification): Promise<string>;
  /** Begins to pass on; for processes that do background work. */
  open(): Promise<void>;
  drain(milliseconds: number): Promise<void>;
  /** Deletes what is older than NOTIFICATION_KEEP_DAYS; returns how many. */
  prune(): Promise<number>;
  close(): Promise<void>;
}
