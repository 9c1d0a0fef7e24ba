/** The shape of the audit trail: append-only, chained, written with the act. */
import type { Principal } from '#kernel/auth';
import type { TenantScope, Tx } from '#kernel/db';
import type { AuditHead, HeadState } from './chain-heads.ts';

export interface AuditEntry {
  /** Dotted operation, `agents.agent.create`. */
  readonly action: string;
  /** `agent:<uuid>`. */
  readonly resource: string;
  /** Facts worth keeping; never secrets or texts of people. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
  readonly actor: Principal | { readonly kind: 'system'; readonly reason: string };
  readonly tenantId: string;
  readonly address?: string;
  readonly requestId?: string;
  /** What the browser or program said it is, in a few words. */
  readonly device?: string;
}

/** AuditActions are the actions that a module or application records, each with what people are shown: `Agent created`. */
export type AuditActions = Readonly<Record<string, string>>;

/** AuditVerdict is what a walk along one chain found. */
export interface AuditVerdict {
  /** Records that fit. */
  readonly checked: number;
  /** Sequence of the first record that does not fit, as text; null when the chain is whole. */
  readonly brokenAt: string | null;
  /**
   * What is wrong there: `changed` (the record, or the order, is not what was written), `missing` (a gap),
   * `truncated` (the end of the chain is gone), `inserted` (a record beyond the end).
   */
  readonly reason?: 'changed' | 'missing' | 'truncated' | 'inserted';
  /** Sequence of the last record that retention removed, as text; absent when the chain begins at 1. */
  readonly prunedThrough?: string;
  /** Records that somebody was taken out of since, each vouched for by a record in the chain; absent when there is none. */
  readonly anonymised?: number;
}

/** Anonymised is where a person was taken out of the trails, and what could not be. */
export interface Anonymised {
  readonly at: Date;
  /** By organisation: places in its chain, and the names of the texts that were taken out there. */
  readonly places: ReadonlyMap<string, readonly { readonly sequence: number; readonly fields: readonly string[] }[]>;
  /** Records written before texts were committed to: they cannot be changed, and end with the trail's retention. */
  readonly kept: number;
}

/** VerificationProgress is called after each batch: records walked, and how many there are to walk. */
export type VerificationProgress = (checked: number, total: number) => void;

/** PruneResult is what retention did to one organisation's trail. */
export interface PruneResult {
  readonly tenantId: string;
  /** Records removed; 0 when the trail is broken, which is evidence and stays. */
  readonly records: number;
  readonly isBroken: boolean;
}

export interface AuditLog {
  /** Every action that modules and applications declare, with its label. */
  readonly actions: AuditActions;
  /**
   * Appends in the caller's transaction, whatever its role; the chain is per organisation. Appending holds the
   * organisation's chain until the transaction ends, so call it last.
   */
  record(tx: Tx, entry: AuditEntry): Promise<void>;
  /** Walks an organisation's chain and returns the first record that does not fit, or null. */
  verify(scope: TenantScope, onProgress?: VerificationProgress): Promise<AuditVerdict>;
  /** Walks every chain of the installation, for `bulkhead audit verify`. */
  verifyAll(): AsyncIterable<AuditVerdict & { readonly tenantId: string }>;
  /** The ends of all chains, to be kept elsewhere. */
  readHeads(): AsyncIterable<AuditHead>;
  /** What became of a head that was kept elsewhere. */
  compareHead(head: AuditHead): Promise<HeadState>;
  /**
   * Takes a person whose account is due to be erased out of all trails but those that end with them, in a transaction of
   * withSystem and before the account goes. Holds no chain: what it returns is recorded at the transaction's end.
   */
  anonymise(tx: Tx, userId: string): Promise<Anonymised>;
  /**
   * Takes out whoever has no account: named by what was under way as they were erased. Reads all trails in one statement.
   */
  anonymiseAbsent(tx: Tx): Promise<Anonymised>;
  /** Records in each chain what was taken out; without that, verification reports it as a change. Call it last. */
  recordAnonymised(tx: Tx, anonymised: Anonymised): Promise<void>;
  /** Removes records older than `before` from the beginning of every whole chain and records that in each (retention). */
  prune(before: Date): AsyncIterable<PruneResult>;
}
