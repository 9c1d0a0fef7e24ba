/** Every data key ends up under the current master key, one batch at a time; killed anywhere and repeated, it goes on (K9.2). */
import type { AuditLog } from '#kernel/audit';
import type { Database, Tx } from '#kernel/db';
import { createMasterKeys, type MasterKeys } from './master-keys.ts';
import type { KeyRing } from './types.ts';

export interface RotationOptions {
  readonly db: Pick<Database, 'withSystem' | 'withAuth'>;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly ring: KeyRing;
  /** Data keys per transaction. */
  readonly batchSize?: number;
  /** Called after each committed batch. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RotationResult {
  readonly keyId: string;
  /** Data keys rewrapped by this call. */
  readonly rewrapped: number;
}

interface DataKeyRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly wrapped_key: string;
}

const kid = `split_part(wrapped_key, '.', 2)`;

async function countLeft(tx: Tx, keyId: string): Promise<number> {
  const [row] = await tx.query<{ remaining: number }>({
    text: `select count(*)::int as remaining from kernel.data_keys where ${kid} <> $1`,
    values: [keyId],
  });
  return row?.remaining ?? 0;
}

/** rewrapBatch changes only rows that are still as they were read: two rotations at once do each row once. */
async function rewrapBatch(tx: Tx, keys: MasterKeys, batchSize: number): Promise<number> {
  const rows = await tx.query<DataKeyRow>({
    text: `select id, tenant_id, wrapped_key from kernel.data_keys where ${kid} <> $1
           order by tenant_id, id limit $2 for no key update`,
    values: [keys.currentId, batchSize],
  });
  const wrapped = rows.map((row) =>
    keys.wrap(row.tenant_id, row.id, keys.unwrap(row.tenant_id, row.id, row.wrapped_key)),
  );
  await tx.query({
    text: `update kernel.data_keys as k set wrapped_key = n.wrapped_key, wrapped_at = now()
           from unnest($1::uuid[], $2::text[], $3::text[]) as n (id, was, wrapped_key)
           where k.id = n.id and k.wrapped_key = n.was`,
    values: [rows.map((row) => row.id), rows.map((row) => row.wrapped_key), wrapped],
  });
  return rows.length;
}

/** findOperator returns the operator's organisation: the oldest one, which the setup link made; null before that. */
export async function findOperator(db: RotationOptions['db']): Promise<string | null> {
  const [row] = await db.withAuth((tx) =>
    tx.query<{ id: string }>({ text: 'select id from auth.organizations order by created_at, id limit 1' }),
  );
  return row?.id ?? null;
}

/**
 * rewrapDataKeys moves every data key that is under another master key of the ring to the current one, in short
 * transactions. The last one also writes the audit record, in the operator's organisation. Throws when a data key needs a
 * master key that the ring lacks; what was done until then stays done.
 */
export async function rewrapDataKeys(options: RotationOptions): Promise<RotationResult> {
  const { db, audit, ring, batchSize = 500, onProgress } = options;
  const keys = createMasterKeys(ring);
  const operator = await findOperator(db);
  const total = await db.withSystem('master key rotation', (tx) => countLeft(tx, keys.currentId));
  let done = 0;
  for (let left = total; left > 0;) {
    const batch = await db.withSystem('master key rotation', async (tx) => {
      const count = await rewrapBatch(tx, keys, batchSize);
      const remaining = count < batchSize ? 0 : await countLeft(tx, keys.currentId);
      if (count > 0 && remaining === 0 && operator) {
        await audit.record(tx, {
          action: 'secrets.master-key.rotate',
          resource: `master-key:${keys.currentId}`,
          details: { replaced: keys.ids.slice(1).join(' ') },
          actor: { kind: 'system', reason: 'bulkhead keys rotate' },
          tenantId: operator,
        });
      }
      return { count, remaining };
    });
    left = batch.remaining;
    done += batch.count;
    // A server that has not learned of the key yet may have added some under the old one.
    onProgress?.(done, Math.max(total, done + left));
  }
  return { keyId: keys.currentId, rewrapped: done };
}
