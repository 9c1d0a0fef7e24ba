/** A record's digest covers every fact of it in one canonical form, so that any change to any column shows. */
import { createHash, hash } from 'node:crypto';
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
  const pairs = Object.entries(details)
    .slice(0, mostDetails)
    .map(([name, value]) => {
      const isUnrepresentable = typeof value === 'number' && !Number.isFinite(value);
      return [storable(name), typeof value === 'string' ? storable(value) : isUnrepresentable ? null : value] as const;
    });
  return Object.fromEntries(pairs);
}

function describeActor(actor: AuditEntry['actor']): Pick<AuditFacts, 'actorKind' | 'actorUserId' | 'actorVia'> {
  if ('kind' in actor) return { actorKind: 'system', actorUserId: null, actorVia: storable(actor.reason) };
  const { userId, via }: Principal = actor;
  return {
    actorKind: via.kind,
    actorUserId: userId,
    actorVia: storable(via.kind === 'run' ? via.runId : via.sessionId),
  };
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

/** canonicalObject is JSON without spaces, its members in code-unit order of their names: RFC 8785 for flat objects. */
function canonicalObject(members: Readonly<Record<string, string | number | boolean | null>>): string {
  const texts = Object.keys(members)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(members[name])}`);
  return `{${texts.join(',')}}`;
}

/** canonicalJson is the RFC 8785 form of a record. The names stand here in their order, because sorting them each time costs. */
function canonicalJson(facts: AuditFacts): string {
  const { action, actorKind, actorUserId, actorVia, address, details, id, occurredAt, requestId, resource, tenantId } =
    facts;
  const before = JSON.stringify({ action, actorKind, actorUserId, actorVia, address });
  const after = JSON.stringify({ id, occurredAt, requestId, resource, tenantId, v: 1 });
  return `${before.slice(0, -1)},"details":${canonicalObject(details)},${after.slice(1)}`;
}

/** digestFacts is the SHA-256 of the record's canonical JSON, whose member `v` says its version. */
export function digestFacts(facts: AuditFacts): Buffer {
  return hash('sha256', canonicalJson(facts), 'buffer');
}

/** chainHash ties a digest to its place: SHA-256(previous hash, sequence as 8 bytes big-endian, digest). */
export function chainHash(previous: Uint8Array, sequence: bigint, digest: Uint8Array): Buffer {
  const place = Buffer.alloc(8);
  place.writeBigInt64BE(sequence);
  return createHash('sha256').update(previous).update(place).update(digest).digest();
}
