/** A record's digest covers every fact of it in one canonical form, so that any change to any column shows. */
import { createHash, hash } from 'node:crypto';
import type { Principal, Via } from '#kernel/auth';
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
  readonly actorKind: Via['kind'] | 'system';
  readonly actorUserId: string | null;
  readonly actorVia: string;
  readonly address: string | null;
  readonly requestId: string | null;
  /** Null in records of the first form, which knew no device. */
  readonly device: string | null;
}

/** Seals are what an anonymised record has instead of its salt, by the name of the text and in hex. */
export interface Seals {
  /** Commitments of what was taken out. */
  readonly erased: Readonly<Record<string, string>>;
  /** Salts of what is left. */
  readonly salts: Readonly<Record<string, string>>;
}

export const zeroHash = Buffer.alloc(32);

const longestText = 2_000;
/** What is indexed must fit into an index entry, whatever script it is in. */
const longestName = 500;
const mostDetails = 64;

/** storable is the text as PostgreSQL gives it back: no NUL, no half of a surrogate pair, bounded. */
function storable(text: string, longest = longestText): string {
  return text.slice(0, longest).toWellFormed().replaceAll('\0', '\uFFFD');
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

/** viaId is the id behind the proof, as the audit trail names it. */
function viaId(via: Via): string {
  switch (via.kind) {
    case 'session':
      return via.sessionId;
    case 'run':
      return via.runId;
    case 'key':
      return via.keyId;
    case 'token':
      return via.familyId;
    case 'support':
      return via.grantId;
  }
}

function describeActor(actor: AuditEntry['actor']): Pick<AuditFacts, 'actorKind' | 'actorUserId' | 'actorVia'> {
  if ('kind' in actor) return { actorKind: 'system', actorUserId: null, actorVia: storable(actor.reason) };
  const { userId, via }: Principal = actor;
  return {
    actorKind: via.kind,
    actorUserId: userId,
    actorVia: storable(viaId(via)),
  };
}

/** describeEntry turns an entry into the facts that are stored and hashed. */
export function describeEntry(entry: AuditEntry, id: string, occurredAt: Date): AuditFacts {
  return {
    id,
    tenantId: entry.tenantId,
    occurredAt: occurredAt.toISOString(),
    action: storable(entry.action, longestName),
    resource: storable(entry.resource, longestName),
    details: storableDetails(entry.details ?? {}),
    ...describeActor(entry.actor),
    address: entry.address === undefined ? null : storable(entry.address),
    requestId: entry.requestId === undefined ? null : storable(entry.requestId),
    device: entry.device === undefined ? null : storable(entry.device),
  };
}

/** canonicalObject is JSON without spaces, its members in code-unit order of their names: RFC 8785 for flat objects. */
function canonicalObject(members: Readonly<Record<string, string | number | boolean | null>>): string {
  const texts = Object.keys(members)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(members[name])}`);
  return `{${texts.join(',')}}`;
}

/**
 * canonicalJson is the RFC 8785 form of a record of before commitments: with its device `v` is 2, without one 1. The names
 * stand here in their order, because sorting them each time costs.
 */
function canonicalJson(facts: AuditFacts): string {
  const { action, actorKind, actorUserId, actorVia, address, details, id, occurredAt, requestId, resource, tenantId } =
    facts;
  const before = JSON.stringify({ action, actorKind, actorUserId, actorVia, address });
  const { device } = facts;
  const after = JSON.stringify({
    ...(device === null ? {} : { device }),
    id,
    occurredAt,
    requestId,
    resource,
    tenantId,
    v: device === null ? 1 : 2,
  });
  return `${before.slice(0, -1)},"details":${canonicalObject(details)},${after.slice(1)}`;
}

/** digestFacts is the SHA-256 of a record of before commitments, whose member `v` says whether it has a device. */
export function digestFacts(facts: AuditFacts): Buffer {
  return hash('sha256', canonicalJson(facts), 'buffer');
}

const detailPrefix = 'details.';

/** kindOf is what a resource is, without which one: `user:` of `user:<id>`; empty when it does not say. */
const kindOf = (resource: string): string => /^[a-z][a-z0-9-]*:/.exec(resource)?.[0] ?? '';

/** listTexts are the facts that could lead to a person: whatever is a text and not chosen by the code. */
function listTexts(facts: AuditFacts): [name: string, text: string][] {
  const { actorUserId, actorVia, address, device, resource, details } = facts;
  const texts = [
    ...Object.entries({ actorUserId, actorVia, address, device, resource }),
    ...Object.entries(details).map(([name, value]) => [`${detailPrefix}${name}`, value] as const),
  ];
  return texts.flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : []));
}

/** isBlank tells whether nothing stands where a text was taken out. */
function isBlank(facts: AuditFacts, name: string): boolean {
  switch (name) {
    case 'actorUserId':
    case 'address':
    case 'device':
      return facts[name] === null;
    case 'actorVia':
      return facts.actorVia === '';
    case 'resource':
      return facts.resource === kindOf(facts.resource);
    default:
      return name.startsWith(detailPrefix) && facts.details[name.slice(detailPrefix.length)] === null;
  }
}

/** digestSealed is the SHA-256 of a record whose texts are hashed through these commitments. */
function digestSealed(facts: AuditFacts, sealed: Readonly<Record<string, string>>): Buffer {
  const { action, actorKind, details, id, occurredAt, requestId, resource, tenantId } = facts;
  const clear = Object.entries(details).filter(
    ([name, value]) => typeof value !== 'string' && !Object.hasOwn(sealed, `${detailPrefix}${name}`),
  );
  const before = JSON.stringify({ action, actorKind });
  const between = JSON.stringify({ id, occurredAt, requestId, resourceKind: kindOf(resource) });
  const after = JSON.stringify({ tenantId, v: 3 });
  return hash(
    'sha256',
    `${before.slice(0, -1)},"details":${canonicalObject(Object.fromEntries(clear))},${between.slice(1, -1)},` +
      `"sealed":${canonicalObject(sealed)},${after.slice(1)}`,
    'buffer',
  );
}

/** commit is the commitment to a text: SHA-256(SHA-256(salt of the record, name), text), in hex. */
function commit(saltOfText: Uint8Array, text: string): string {
  return hash('sha256', Buffer.concat([saltOfText, Buffer.from(text)]), 'hex');
}

function saltOf(salt: Uint8Array, name: string): Buffer {
  return hash('sha256', Buffer.concat([salt, Buffer.from(name)]), 'buffer');
}

/** digestUnder is the digest of a record nobody was taken out of: its texts committed to under its salt of 32 bytes. */
export function digestUnder(salt: Uint8Array, facts: AuditFacts): Buffer {
  const sealed = listTexts(facts).map(([name, text]) => [name, commit(saltOf(salt, name), text)] as const);
  return digestSealed(facts, Object.fromEntries(sealed));
}

/**
 * digestAnonymised is the digest of a record somebody was taken out of; null when something stands where nothing may, or
 * a salt is missing.
 */
export function digestAnonymised({ erased, salts }: Seals, facts: AuditFacts): Buffer | null {
  if (!Object.keys(erased).every((name) => isBlank(facts, name))) return null;
  const left = listTexts(facts).filter(([name]) => !Object.hasOwn(erased, name));
  if (!left.every(([name]) => Object.hasOwn(salts, name))) return null;
  const sealed = left.map(([name, text]) => [name, commit(Buffer.from(salts[name] ?? '', 'hex'), text)] as const);
  return digestSealed(facts, { ...erased, ...Object.fromEntries(sealed) });
}

/** chainHash ties a digest to its place: SHA-256(previous hash, sequence as 8 bytes big-endian, digest). */
export function chainHash(previous: Uint8Array, sequence: bigint, digest: Uint8Array): Buffer {
  const place = Buffer.alloc(8);
  place.writeBigInt64BE(sequence);
  return createHash('sha256').update(previous).update(place).update(digest).digest();
}
