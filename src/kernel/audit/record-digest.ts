/** A record's digest covers every fact of it in one canonical form, so that any change to any column shows. */
import { createHash } from 'node:crypto';
import type { Principal } from '#kernel/auth';
import type { AuditEntry } from './types.ts';

export type Details = Readonly<Record<string, string | number | boolean | null>>;

/** AuditFacts are the columns of a record that its digest covers; place and hash are added by the chain. */
export interface AuditFacts {
  readonly id: string;
  readonly tenantId: string;
  /** ISO 8601 in UTC, to the millisecond. */
  readonly occurredAt: string;
  readonly action: string;
  readonly resource: string;
  readonly details: Details;
  readonly actorKind: 'session' | 'run' | 'system';
  readonly actorUserId: string | null;
  readonly actorVia: string;
  readonly address: string | null;
  readonly requestId: string | null;
}

export const zeroHash = Buffer.alloc(32);

const longestText = 2_000;
const mostDetails = 64;

/** storable is the text as PostgreSQL gives it back: no NUL, no half of a surrogate pair, bounded. */
function storable(text: string): string {
  return text.slice(0, longestText).toWellFormed().replaceAll('\0', '\uFFFD');
}

function storableDetails(details: Details): Details {
  const pairs = Object.entries(details).slice(0, mostDetails).map(([name, value]) => {
    const isUnrepresentable = typeof value === 'number' && !Number.isFinite(value);
    return [storable(name), typeof value === 'string' ? storable(value) : isUnrepresentable ? null : value] as const;
  });
  return Object.fromEntries(pairs);
}

function describeActor(actor: AuditEntry['actor']): Pick<AuditFacts, 'actorKind' | 'actorUserId' | 'actorVia'> {
  if ('kind' in actor) return { actorKind: 'system', actorUserId: null, actorVia: storable(actor.reason) };
  const { userId, via }: Principal = actor;
  return { actorKind: via.kind, actorUserId: userId, actorVia: storable(via.kind === 'run' ? via.runId : via.sessionId) };
}

/** describeEntry turns an entry into the facts that are stored and hashed. */
export function describeEntry(entry: AuditEntry, id: string, occurredAt: Date): AuditFacts {
  return {
    id,
    tenantId: entry.tenantId,
    occurredAt: occurredAt.toISOString(),
    action: storable(entry.action),
    resource: storable(entry.resource),
    details: storableDetails(entry.details ?? {}),
    ...describeActor(entry.actor),
    address: entry.address === undefined ? null : storable(entry.address),
    requestId: entry.requestId === undefined ? null : storable(entry.requestId),
  };
}

/** canonicalJson is JSON without spaces and with every object's keys in code-unit order (the order of RFC 8785). */
function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

/** digestFacts is the SHA-256 of the record's canonical JSON, as a member `v` says its version. */
export function digestFacts(facts: AuditFacts): Buffer {
  return createHash('sha256').update(canonicalJson({ v: 1, ...facts })).digest();
}

/** chainHash ties a digest to its place: SHA-256(previous hash, sequence as 8 bytes big-endian, digest). */
export function chainHash(previous: Uint8Array, sequence: bigint, digest: Uint8Array): Buffer {
  const place = Buffer.alloc(8);
  place.writeBigInt64BE(sequence);
  return createHash('sha256').update(previous).update(place).update(digest).digest();
}
