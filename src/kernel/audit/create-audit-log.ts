/** An act and its record stand or fall together, and the records of an organisation form one chain without gaps. */
import { randomBytes } from 'node:crypto';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { anonymiseAbsent, anonymisePerson, recordAnonymised } from './anonymise-person.ts';
import { compareHead, readHeads } from './chain-heads.ts';
import { pruneRecords } from './prune-records.ts';
import { describeEntry, digestUnder, zeroHash } from './record-digest.ts';
import type { AuditActions, AuditEntry, AuditLog } from './types.ts';
import { verifyChain, verifyEveryChain } from './verify-chain.ts';

/**
 * appendSql moves the head on and adds the record in one round trip. The head's row lock makes writers of the same
 * organisation take turns, so sequence and hash are right under any concurrency. The hash is PostgreSQL's `sha256`
 * over the same bytes as `chainHash`.
 */
const appendSql = `
  with head as (
    insert into kernel.audit_heads as h (tenant_id, sequence, hash)
    values ($2::uuid, 1, sha256($13::bytea || int8send(1) || $14::bytea))
    on conflict (tenant_id) do update set
      sequence = h.sequence + 1,
      hash = sha256(h.hash || int8send(h.sequence + 1) || $14::bytea)
    returning sequence, hash
  )
  insert into kernel.audit_records (id, tenant_id, sequence, occurred_at, action, resource, details, actor_kind,
    actor_user_id, actor_via, address, request_id, device, form, salt, hash)
  select $1::uuid, $2::uuid, head.sequence, $3::timestamptz, $4, $5, $6::jsonb, $7, $8::uuid, $9, $10, $11, $12, 3, $15, head.hash
  from head`;

async function append(tx: Tx, entry: AuditEntry): Promise<void> {
  const facts = describeEntry(entry, newId(), new Date());
  const salt = randomBytes(32);
  await tx.query({
    name: 'audit-append',
    text: appendSql,
    values: [
      facts.id,
      facts.tenantId,
      facts.occurredAt,
      facts.action,
      facts.resource,
      JSON.stringify(facts.details),
      facts.actorKind,
      facts.actorUserId,
      facts.actorVia,
      facts.address,
      facts.requestId,
      facts.device,
      zeroHash,
      digestUnder(salt, facts),
      salt,
    ],
  });
}

export interface AuditLogOptions {
  readonly db: Pick<Database, 'withTenant' | 'withSystem'>;
  /** What modules and applications record; only for showing. None by default. */
  readonly actions?: readonly AuditActions[];
}

/** createAuditLog makes the audit trail of an installation. */
export function createAuditLog({ actions = [], db }: AuditLogOptions): AuditLog {
  return {
    actions: Object.assign({}, ...actions),
    record: append,
    verify: (scope, onProgress) => verifyChain((work) => db.withTenant(scope, work), scope.tenantId, onProgress),
    verifyAll: () => verifyEveryChain(db),
    readHeads: () => readHeads(db),
    compareHead: (head) => compareHead(db, head),
    anonymise: anonymisePerson,
    anonymiseAbsent,
    recordAnonymised: (tx, found) => recordAnonymised(append, tx, found),
    prune: (before) => pruneRecords({ db, record: append }, before),
  };
}
