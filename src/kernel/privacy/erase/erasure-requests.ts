/** Asking for an erasure, taking it back while there is time, and carrying out what is due: once, by whichever process. */
import { randomUUID } from 'node:crypto';
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { DataMap } from '../types.ts';
import { erase, type DueErasure } from './erase.ts';

export interface ErasureRequest {
  readonly certificateId: string;
  readonly requestedAt: Date;
  readonly dueAt: Date;
}

interface RequestRow {
  certificate_id: string;
  requested_at: Date;
  due_at: Date;
}

const toRequest = (row: RequestRow): ErasureRequest => ({
  certificateId: row.certificate_id,
  requestedAt: row.requested_at,
  dueAt: row.due_at,
});

/** findErasure returns what was asked for, or null. For transactions of withAuth. */
export async function findErasure(
  tx: Tx,
  kind: 'person' | 'organisation',
  subjectId: string,
): Promise<ErasureRequest | null> {
  const [row] = await tx.query<RequestRow>({
    text: 'select certificate_id, requested_at, due_at from kernel.erasures where kind = $1 and subject_id = $2',
    values: [kind, subjectId],
  });
  return row ? toRequest(row) : null;
}

/** requestErasure notes a request; asking again gives the first one. */
export async function requestErasure(
  tx: Tx,
  subject: { readonly kind: 'person' | 'organisation'; readonly subjectId: string; readonly requestedBy: string },
  dueAt: Date,
): Promise<ErasureRequest> {
  const { kind, subjectId, requestedBy } = subject;
  const [row] = await tx.query<RequestRow>({
    text: `insert into kernel.erasures (id, kind, subject_id, certificate_id, requested_by, due_at)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (kind, subject_id) do update set subject_id = excluded.subject_id
           returning certificate_id, requested_at, due_at`,
    values: [newId(), kind, subjectId, randomUUID(), requestedBy, dueAt],
  });
  if (!row) throw new Error('the request was not noted');
  return toRequest(row);
}

/** cancelErasure takes a request back; false when there is none, or when it is being carried out. */
export async function cancelErasure(
  tx: Tx,
  kind: 'person' | 'organisation',
  subjectId: string,
  now: Date,
): Promise<boolean> {
  const rows = await tx.query({
    text: `delete from kernel.erasures where kind = $1 and subject_id = $2
           and due_at > $3 and (lease_until is null or lease_until < $3) returning id`,
    values: [kind, subjectId, now],
  });
  return rows.length > 0;
}

const leaseMinutes = 10;
/** A request that fails is tried again after a while; the operator sees why. */
const retryHours = 1;

interface DueRow extends RequestRow {
  id: string;
  kind: 'person' | 'organisation';
  subject_id: string;
}

async function claim({ db }: Services): Promise<DueErasure | null> {
  const [row] = await db.withSystem('claim an erasure that is due', (tx) =>
    tx.query<DueRow>({
      text: `update kernel.erasures set attempts = attempts + 1, lease_until = now() + make_interval(mins => $1)
             where id = (
               select id from kernel.erasures where due_at <= now() and (lease_until is null or lease_until < now())
               order by due_at limit 1 for update skip locked)
             returning id, kind, subject_id, certificate_id, requested_at, due_at`,
      values: [leaseMinutes],
    }),
  );
  if (!row) return null;
  const { id, kind, subject_id: subjectId } = row;
  return { id, kind, subjectId, certificateId: row.certificate_id, requestedAt: row.requested_at };
}

/** carryOutErasures erases everything that is due; returns how many. Safe on every process at once. */
export async function carryOutErasures(services: Services, map: DataMap): Promise<number> {
  const { db, log } = services;
  let done = 0;
  for (;;) {
    const due = await claim(services);
    if (!due) return done;
    try {
      await erase(services, map, due);
      done += 1;
      log.info({ kind: due.kind, certificateId: due.certificateId }, 'an erasure was carried out');
    } catch (error) {
      log.error({ err: error, erasureId: due.id }, 'an erasure failed; it will be tried again');
      await db.withSystem('note why an erasure failed', (tx) =>
        tx.query({
          text: `update kernel.erasures set last_error = $2, lease_until = now() + make_interval(hours => $3) where id = $1`,
          values: [due.id, (error as Error).message.slice(0, 500), retryHours],
        }),
      );
    }
  }
}
