/** The shapes of an application: what it plugs into the kernel, and the services the kernel hands it. */
import type { AuditActions, AuditLog } from '#kernel/audit';
import type { Config } from '#kernel/config';
import type { Credits } from '#kernel/credits';
import type { Database } from '#kernel/db';
import type { ImageService } from '#kernel/images';
import type { DataMap, PortableSet, RetentionKind, Rights } from '#kernel/privacy';
import type { FlagService } from '#kernel/flags';
import type { Limiter } from '#kernel/limits';
import type { Logger } from '#kernel/log';
import type { ModelGateway } from '#kernel/llm';
import type { MailService } from '#kernel/mail';
import type { NotificationKind, NotificationService } from '#kernel/notifications';
import type { PushService } from '#kernel/push';
import type { OutboundClient } from '#kernel/outbound';
import type { JobEngine, Workflow } from '#kernel/jobs';
import type { RunService, RunWorkflow } from '#kernel/runs';
import type { SealedColumn, SecretBox } from '#kernel/secrets';
import type { ObjectStore } from '#kernel/storage';
import type { Identity } from '#kernel/auth';
import type { Route } from '#kernel/http';

/** Services is everything the kernel offers to routes and workflows; one set per server. */
export interface Services {
  readonly config: Config;
  readonly log: Logger;
  readonly db: Database;
  readonly identity: Identity;
  readonly secrets: SecretBox;
  readonly audit: AuditLog;
  readonly limits: Limiter;
  readonly outbound: OutboundClient;
  readonly credits: Credits;
  readonly llm: ModelGateway;
  readonly storage: ObjectStore;
  readonly images: ImageService;
  readonly rights: Rights;
  readonly flags: FlagService;
  readonly mail: MailService;
  readonly push: PushService;
  readonly notifications: NotificationService;
  readonly jobs: JobEngine;
  readonly runs: RunService;
}

export interface AppDefinition<Id extends string = string> {
  readonly id: Id;
  readonly title: string;
  /** One sentence for the home page. */
  readonly tagline: string;
  readonly schema: `app_${Id}`;
  readonly migrations: URL;
  /** `agents.agent.write` -> what it lets one do. */
  readonly permissions: Readonly<Record<string, string>>;
  /** Which role holds which permissions. */
  readonly policy: Readonly<Record<'owner' | 'admin' | 'member' | 'viewer', readonly string[]>>;
  readonly routes: readonly Route[];
  /** `agents.agent.create` -> what the audit page calls it. */
  readonly auditActions?: AuditActions;
  /** What people are told of; they choose how. */
  readonly notificationKinds?: readonly NotificationKind[];
  /** What each of its tables holds, for copies and deletion; a test insists on every one. */
  readonly dataMap?: DataMap;
  /** Columns that hold sealed texts; nothing can be sealed for another. */
  readonly sealedColumns?: readonly SealedColumn[];
  /** What an archive can bring back. */
  readonly portable?: readonly PortableSet[];
  /** Kinds of data that end by themselves. */
  readonly retention?: readonly RetentionKind[];
  /** Durable background work. */
  readonly workflows: readonly Workflow[];
  /** Work that a person waits for and follows. */
  readonly runWorkflows: readonly RunWorkflow<never>[];
  /** Called about once a minute by one process at a time or several: restarts what a crash left between commit and start. */
  readonly sweep?: (services: Services) => Promise<void>;
}
