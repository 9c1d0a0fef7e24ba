/** The shapes of the data map: for each table, whose its rows are, what of them is handed out, and how they end. */
import type { z } from 'zod';
import type { Services } from '#kernel/app';
import type { TenantScope } from '#kernel/db';
import type { Readable } from 'node:stream';

/**
 * TableNote says what a table holds. Every table has one; a test compares them with the database.
 * `omit` are columns that are not handed out: secrets, and hashes of secrets.
 */
export type TableNote =
  /** Rows of an organisation (`tenant_id`). `anonymise` are columns that name a person in an organisation that stays. */
  | {
      readonly holds: 'organisation';
      readonly title: string;
      readonly omit?: readonly string[];
      readonly anonymise?: readonly string[];
    }
  /** Rows of one person (`owner_id`), in an organisation or outside of any. */
  | { readonly holds: 'person'; readonly title: string; readonly omit?: readonly string[] }
  /** Rows of an account (schema auth): `by` names the column with the user's id. */
  | { readonly holds: 'account'; readonly title: string; readonly by: string; readonly omit?: readonly string[] }
  /**
   * Nothing that is anybody's copy: `because` says why, and what ends it. With a `title` where rows of it end with an
   * organisation, for then a certificate counts them.
   */
  | { readonly holds: 'machinery'; readonly because: string; readonly title?: string };

/** DataMap is the notes of a module or an application, by table name with schema. */
export type DataMap = Readonly<Record<string, TableNote>>;

/** PortableRecord is one line of a portable set, as the archive has it. */
export type PortableRecord = Readonly<Record<string, unknown>>;

/** PortableSet is a kind of thing that an archive can bring back, in another installation too. */
export interface PortableSet<Record_ extends z.ZodType = z.ZodType> {
  /** File name in the archive, without ending: `agents`. */
  readonly name: string;
  readonly title: string;
  /** What somebody must be allowed to do in the organisation to bring it in there. */
  readonly permission: string;
  /** What a line must look like; the archive may come from anywhere. */
  readonly record: Record_;
  /** Gives what the person has of it in the organisation, and the objects that belong to it, by id. */
  readonly read: (services: Services, scope: TenantScope) => AsyncIterable<z.input<Record_>>;
  /**
   * Makes it anew, or does nothing when an import has made it before. Throws SkippedRecord with the reason when it cannot
   * be; what the database refuses of it (a broken reference, a character it does not store) is skipped, too.
   */
  readonly write: (importing: Importing, record: z.output<Record_>) => Promise<Written>;
}

/** Written says whether a record was made now, or was there from an import before. */
export type Written = 'made' | 'present';

/** Importing is an import under way. */
export interface Importing {
  readonly services: Services;
  readonly scope: TenantScope & { readonly userId: string };
  /**
   * The new id of what had `oldId` in the archive: always the same for a person in an organisation, so that an archive
   * brought in again makes no doubles.
   */
  readonly idFor: (oldId: string) => string;
  /** Opens a file of the archive by its old object id; null when the archive has none. */
  readonly openFile: (objectId: string) => Promise<Readable | null>;
}

/** RetentionKind is a kind of data that ends by itself. */
export interface RetentionKind {
  /** Dotted, `agents.conversations`. */
  readonly kind: string;
  readonly title: string;
  /** Days; null keeps it until somebody deletes it. */
  readonly defaultDays: number | null;
  /** Deletes what is older than `before`, at most some thousand rows in one transaction; returns how many. */
  readonly prune: (services: Services, tenantId: string, before: Date) => Promise<number>;
}
